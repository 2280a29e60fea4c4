-- The placement $3 stands at place $4 with priority $5 now, for the leader of node $1 in term $2
UPDATE ccm.work_placement AS p
SET place = $4, priority = $5
FROM ccm.node AS n
JOIN ccm.leadership AS l ON l.node_id = n.id AND l.term = $2
WHERE n.name = $1 AND p.attempt = $3 AND p.ended_at IS NULL
