-- Ask for something to be done on node $1: $2 kind, $3 arguments, $4 by whom, $5 seconds to live
INSERT INTO ccm.command (node_id, kind, arguments, issued_by, expires_at)
SELECT n.id, $2, $3, $4, now() + make_interval(secs => $5)
FROM ccm.node AS n
WHERE n.name = $1
RETURNING id
