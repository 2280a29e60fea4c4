-- Commands issued in [$1, $2), newest first. $3 node or null, $4 state or null, $5 how many at most.
SELECT c.id, n.name AS node, c.kind, c.arguments, c.issued_by, c.issued_at, c.expires_at, c.state,
    c.taken_at, c.done_at, c.result
FROM ccm.command AS c
JOIN ccm.node AS n ON n.id = c.node_id
WHERE c.id >= ccm.uuid7_bound($1) AND c.issued_at >= $1 AND c.issued_at < $2
    AND ($3::text IS NULL OR n.name = $3)
    AND ($4::text IS NULL OR c.state = $4)
ORDER BY c.id DESC
LIMIT $5
