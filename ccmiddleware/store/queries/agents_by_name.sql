-- Interfaces of the agents on node $1 that have one of the names $2; the one seen last of each name
SELECT DISTINCT ON (a.name) a.name, a.interface
FROM ccm.agent AS a
JOIN ccm.node AS n ON n.id = a.node_id
WHERE n.name = $1::text AND a.name = ANY ($2::text[])
ORDER BY a.name, a.seen_at DESC NULLS LAST, a.interface
