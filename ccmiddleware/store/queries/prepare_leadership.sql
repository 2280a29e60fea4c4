-- Let the nodes named $1 be led
INSERT INTO ccm.leadership (node_id)
SELECT id FROM ccm.node WHERE name = ANY ($1::text[]) ORDER BY name
ON CONFLICT (node_id) DO NOTHING
