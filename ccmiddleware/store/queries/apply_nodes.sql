-- Nodes that facts are about, by name; those that are known stay as they are
INSERT INTO ccm.node (name)
SELECT DISTINCT f.node
FROM jsonb_to_recordset($1::jsonb) AS f (node text)
ORDER BY f.node
ON CONFLICT (name) DO NOTHING
