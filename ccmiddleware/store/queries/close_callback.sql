-- End the callback $3 that no attempt stands for, for the leader of node $1 in term $2: $4 state, $5 reason, $6 now
UPDATE ccm.callback AS c
SET state = $4, reason = $5, done_at = $6
FROM ccm.node AS n
JOIN ccm.leadership AS l ON l.node_id = n.id AND l.term = $2
WHERE n.name = $1 AND c.node_id = n.id AND c.id = $3 AND c.state = 'waiting'
