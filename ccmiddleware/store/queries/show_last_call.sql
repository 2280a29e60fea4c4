-- When a call of a node was last seen to join a queue; no row when none ever was. $1 node.
SELECT queue_visit.joined_at, queue.name AS queue
FROM ccm.queue_visit
JOIN ccm.queue ON queue.id = queue_visit.queue_id
JOIN ccm.node ON node.id = queue.node_id
WHERE node.name = $1
ORDER BY queue_visit.joined_at DESC
LIMIT 1
