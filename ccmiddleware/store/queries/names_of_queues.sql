-- Names of all queues, of node $1 if given
SELECT q.id, n.name AS node, q.name AS queue
FROM ccm.queue AS q
JOIN ccm.node AS n ON n.id = q.node_id
WHERE $1::text IS NULL OR n.name = $1
ORDER BY n.name, q.name
