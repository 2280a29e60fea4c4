-- The queues of node $1, by name
SELECT q.id, q.name FROM ccm.queue AS q JOIN ccm.node AS n ON n.id = q.node_id WHERE n.name = $1 ORDER BY q.name
