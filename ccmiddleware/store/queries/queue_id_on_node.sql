-- The id of queue $2 of node $1
SELECT q.id FROM ccm.queue AS q JOIN ccm.node AS n ON n.id = q.node_id WHERE n.name = $1 AND q.name = $2
