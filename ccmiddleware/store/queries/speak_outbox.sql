-- The content of message $3 is about to be sent, by the leader of node $1 in term $2, at $4; nothing when it is not its
UPDATE ccm.outbox AS o
SET state = 'speaking', spoke_at = $4
FROM ccm.node AS n
JOIN ccm.leadership AS l ON l.node_id = n.id AND l.term = $2
WHERE n.name = $1 AND o.node_id = n.id AND o.id = $3 AND o.state = 'claimed' AND o.term = $2
