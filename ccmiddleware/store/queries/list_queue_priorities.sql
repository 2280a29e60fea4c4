-- Priorities: $1 node or null, $2 queue or null
SELECT n.name AS node, q.name AS queue, p.kind, p.number, p.priority, p.note
FROM ccm.queue_priority AS p
JOIN ccm.queue AS q ON q.id = p.queue_id
JOIN ccm.node AS n ON n.id = q.node_id
WHERE ($1::text IS NULL OR n.name = $1) AND ($2::text IS NULL OR q.name = $2)
ORDER BY n.name, q.name, p.kind, p.priority DESC, p.number
