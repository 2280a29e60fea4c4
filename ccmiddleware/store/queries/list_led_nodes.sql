-- All nodes: who leads them (null: nobody holds the lock), in which term, and their link
SELECT n.name AS node, k.led,
    CASE WHEN k.led THEN l.daemon_id END AS daemon_id,
    CASE WHEN k.led THEN d.host || ':' || d.pid END AS leader,
    l.term, l.since, n.link, n.link_since, n.link_reason
FROM ccm.node AS n
LEFT JOIN ccm.leadership AS l ON l.node_id = n.id
LEFT JOIN ccm.daemon AS d ON d.id = l.daemon_id
CROSS JOIN LATERAL (
    SELECT EXISTS (
        SELECT FROM pg_catalog.pg_locks AS k
        WHERE k.locktype = 'advisory' AND k.granted AND k.objsubid = 2
            AND k.classid = 1667460354 AND k.objid::bigint = l.number
            AND k.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
    ) AS led
) AS k
ORDER BY n.name
