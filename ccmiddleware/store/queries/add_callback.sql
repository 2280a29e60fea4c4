-- Add a callback by hand: $1 node, $2 queue, $3 number, $4 by whom. Null when the queue is not there
SELECT i.id, ccm.ask_callback(i.id, q.id, $3, '', $4, now(), 0) AS state
FROM ccm.node AS n
JOIN ccm.queue AS q ON q.node_id = n.id AND q.name = $2
CROSS JOIN (SELECT ccm.uuid7() AS id) AS i
WHERE n.name = $1
