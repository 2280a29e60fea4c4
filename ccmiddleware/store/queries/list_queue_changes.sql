-- History of settings: $1 since, $2 until, $3 node or null, $4 queue or null; the newest $5
SELECT c.changed_at, n.name AS node, q.name AS queue, c.changed_by, c.what, c.before, c.after, c.revision
FROM ccm.queue_change AS c
JOIN ccm.queue AS q ON q.id = c.queue_id
JOIN ccm.node AS n ON n.id = q.node_id
WHERE c.changed_at >= $1 AND c.changed_at < $2
  AND ($3::text IS NULL OR n.name = $3)
  AND ($4::text IS NULL OR q.name = $4)
ORDER BY c.changed_at DESC, q.name, c.revision DESC, c.what
LIMIT $5
