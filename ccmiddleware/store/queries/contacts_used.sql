-- Whether contacts were ever made; no row for who does not lead node $1 in term $2
SELECT EXISTS (SELECT FROM ccm.contact_change)
FROM ccm.node AS n
JOIN ccm.leadership AS l ON l.node_id = n.id AND l.term = $2
WHERE n.name = $1
