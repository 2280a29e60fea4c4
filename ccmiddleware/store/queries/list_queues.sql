-- All queues with members and what goes on in them now. $1 node or null, $2 queue or null, $3 now.
SELECT node.name AS node,
       queue.name AS queue,
       queue.strategy,
       coalesce(members.total, 0) AS members,
       coalesce(members.paused, 0) AS paused,
       coalesce(waiting.total, 0) AS waiting,
       extract(epoch FROM $3::timestamptz - waiting.oldest)::float8 AS longest_wait_seconds,
       queue.service_level_seconds,
       queue.seen_at
FROM ccm.queue
JOIN ccm.node ON node.id = queue.node_id
LEFT JOIN LATERAL (
    SELECT count(*) AS total, count(*) FILTER (WHERE queue_member.paused) AS paused
    FROM ccm.queue_member
    WHERE queue_member.queue_id = queue.id AND queue_member.member
) AS members ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS total, min(queue_visit.joined_at) AS oldest
    FROM ccm.queue_visit
    WHERE queue_visit.queue_id = queue.id AND queue_visit.left_at IS NULL
) AS waiting ON true
WHERE ($1::text IS NULL OR node.name = $1)
  AND ($2::text IS NULL OR queue.name = $2)
ORDER BY node.name, queue.name
