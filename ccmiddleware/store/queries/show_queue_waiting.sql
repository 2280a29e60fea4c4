-- Who waits in a queue, longest first. $1 queue, $2 node or null, $3 now.
SELECT node.name AS node,
       interaction.id AS interaction,
       interaction.caller_num,
       interaction.caller_name,
       queue_visit.position,
       queue_visit.joined_at,
       extract(epoch FROM $3::timestamptz - queue_visit.joined_at)::float8 AS wait_seconds
FROM ccm.queue
JOIN ccm.node ON node.id = queue.node_id
JOIN ccm.queue_visit ON queue_visit.queue_id = queue.id AND queue_visit.left_at IS NULL
JOIN ccm.interaction ON interaction.id = queue_visit.interaction_id
WHERE queue.name = $1 AND ($2::text IS NULL OR node.name = $2)
ORDER BY queue_visit.joined_at
