-- Nodes and their queues at this moment, for the wallboard. $1 node or null, $2 queue or null
WITH state AS MATERIALIZED (
    SELECT agent_id, (array_agg(a.state ORDER BY a.started_at DESC))[1] AS state
    FROM ccm.agent_state AS a
    WHERE a.ended_at IS NULL
    GROUP BY a.agent_id
), members AS (
    SELECT k.queue_id,
        count(*) FILTER (WHERE k.state = 'idle') AS idle,
        count(*) FILTER (WHERE k.state = 'talking') AS talking,
        count(*) FILTER (WHERE k.state = 'ringing') AS ringing,
        count(*) FILTER (WHERE k.state = 'wrap_up') AS wrap_up,
        count(*) FILTER (WHERE k.state = 'paused') AS paused,
        count(*) FILTER (WHERE k.state = 'working') AS working,
        count(*) FILTER (WHERE k.state = 'busy') AS busy,
        count(*) FILTER (WHERE k.state = 'unavailable') AS unavailable
    FROM (
        SELECT m.queue_id,
            -- Pauses are set for each queue by itself: what holds here is what the member says.
            CASE
                WHEN s.state IN ('idle', 'paused') AND m.paused THEN 'paused'
                WHEN s.state IN ('idle', 'paused') THEN 'idle'
                ELSE s.state
            END AS state
        FROM ccm.queue_member AS m
        LEFT JOIN state AS s ON s.agent_id = m.agent_id
        WHERE m.member
    ) AS k
    GROUP BY k.queue_id
), waiting AS (
    SELECT v.queue_id, count(*) FILTER (WHERE v.version < ccm.work_version()) AS waiting,
        min(v.joined_at) FILTER (WHERE v.version < ccm.work_version()) AS oldest,
        count(*) FILTER (WHERE v.version = ccm.work_version()) AS emails_waiting
    FROM ccm.queue_visit AS v
    WHERE v.left_at IS NULL
    GROUP BY v.queue_id
)
SELECT n.name AS node, n.link, n.link_since, n.link_reason, l.led, q.id AS queue_id,
    q.name AS queue, q.service_level_seconds,
    coalesce(w.waiting, 0) AS waiting, report.seconds(w.oldest, now()) AS longest_wait_seconds,
    coalesce(w.emails_waiting, 0) AS emails_waiting,
    coalesce(m.idle, 0) AS idle, coalesce(m.talking, 0) AS talking,
    coalesce(m.ringing, 0) AS ringing, coalesce(m.wrap_up, 0) AS wrap_up,
    coalesce(m.paused, 0) AS paused, coalesce(m.working, 0) AS working, coalesce(m.busy, 0) AS busy,
    coalesce(m.unavailable, 0) AS unavailable
FROM ccm.node AS n
CROSS JOIN LATERAL (
    SELECT EXISTS (
        SELECT FROM pg_catalog.pg_locks AS k
        JOIN ccm.leadership AS l ON l.node_id = n.id AND k.objid::bigint = l.number
        WHERE k.locktype = 'advisory' AND k.granted AND k.objsubid = 2 AND k.classid = 1667460354
            AND k.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
    ) AS led
) AS l
LEFT JOIN ccm.queue AS q ON q.node_id = n.id AND ($2::text IS NULL OR q.name = $2)
LEFT JOIN waiting AS w ON w.queue_id = q.id
LEFT JOIN members AS m ON m.queue_id = q.id
WHERE $1::text IS NULL OR n.name = $1
ORDER BY n.name, q.name
