-- A queue of node $1 that Asterisk has not listed yet, by the name $2
INSERT INTO ccm.queue (node_id, name)
SELECT n.id, $2 FROM ccm.node AS n WHERE n.name = $1
ON CONFLICT (node_id, name) DO NOTHING
RETURNING id
