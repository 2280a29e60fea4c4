-- A sign of life of daemon $3, whose journal has a backlog of $4 facts and $5 bytes; and who leads the nodes $1,
-- where young says whether Postgres has been up for less than $2
WITH beat AS (
    UPDATE ccm.daemon
    SET seen_at = now(), journal_facts = $4::bigint, journal_bytes = $5::bigint
    WHERE id = $3::uuid
)
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
