-- Whether Asterisk has the settings of queue $1, and how its node stands
SELECT s.revision,
       a.revision AS tried,
       a.applied_at,
       coalesce(a.error, '') AS error,
       n.link,
       EXISTS (
           SELECT FROM pg_catalog.pg_locks AS k
           WHERE k.locktype = 'advisory' AND k.granted AND k.objsubid = 2
               AND k.classid = 1667460354 AND k.objid::bigint = l.number
               AND k.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
       ) AS led
FROM ccm.queue AS q
JOIN ccm.node AS n ON n.id = q.node_id
JOIN ccm.queue_setting AS s ON s.queue_id = q.id
LEFT JOIN ccm.queue_applied AS a ON a.queue_id = q.id
LEFT JOIN ccm.leadership AS l ON l.node_id = n.id
WHERE q.id = $1
