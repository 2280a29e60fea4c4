-- The stays of one interaction in queues. $1 id.
SELECT queue_visit.ordinal, queue.name AS queue, queue_visit.position, queue_visit.joined_at,
       queue_visit.answered_at, queue_visit.left_at, queue_visit.outcome, queue_visit.inferred
FROM ccm.queue_visit
JOIN ccm.queue ON queue.id = queue_visit.queue_id
WHERE queue_visit.interaction_id = $1
ORDER BY queue_visit.ordinal
