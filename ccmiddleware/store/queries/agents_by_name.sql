-- Names and interfaces of the agents on node $1 that have one of the names, or interfaces, $2; the one seen last of each name
SELECT DISTINCT ON (a.interface = ANY ($2::text[]), a.name) a.name, a.interface
FROM ccm.agent AS a
JOIN ccm.node AS n ON n.id = a.node_id
WHERE n.name = $1::text AND (a.name = ANY ($2::text[]) OR a.interface = ANY ($2::text[]))
ORDER BY a.interface = ANY ($2::text[]), a.name, a.seen_at DESC NULLS LAST, a.interface
