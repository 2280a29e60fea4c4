-- Who leads the nodes $1; young says whether Postgres has been up for less than $2
SELECT n.name AS node, l.number, l.term, l.daemon_id, l.since, d.host, d.pid,
    now() < pg_postmaster_start_time() + $2::interval AS young,
    EXISTS (
        SELECT FROM pg_catalog.pg_locks AS k
        WHERE k.locktype = 'advisory' AND k.granted AND k.objsubid = 2
            AND k.classid = 1667460354 AND k.objid::bigint = l.number
            AND k.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
    ) AS led
FROM ccm.leadership AS l
JOIN ccm.node AS n ON n.id = l.node_id
LEFT JOIN ccm.daemon AS d ON d.id = l.daemon_id
WHERE n.name = ANY ($1::text[])
