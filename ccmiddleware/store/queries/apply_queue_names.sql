-- Queues that facts are about, by node and name; those that are known stay as they are
INSERT INTO ccm.queue (node_id, name)
SELECT DISTINCT n.id, f.queue
FROM jsonb_to_recordset($1::jsonb) AS f (node text, queue text)
LEFT JOIN ccm.node AS n ON n.name = f.node
ORDER BY n.id, f.queue
ON CONFLICT (node_id, name) DO NOTHING
