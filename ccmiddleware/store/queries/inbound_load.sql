-- What queues $2 of node $1 have to do at $3: callers who wait and talk, calls that came lately, how long they take
SELECT q.name AS queue,
       q.service_level_seconds AS target,
       open.waiting,
       open.talking,
       came.lately,
       came.before,
       came.handling
FROM ccm.queue AS q
JOIN ccm.node AS n ON n.id = q.node_id
CROSS JOIN LATERAL (
    SELECT (SELECT count(*) FROM ccm.queue_visit AS v
            WHERE v.queue_id = q.id AND v.left_at IS NULL) AS waiting,
           (SELECT count(*) FROM ccm.segment AS s
            JOIN ccm.queue_visit AS v ON v.interaction_id = s.interaction_id AND v.ordinal = s.visit
            WHERE s.ended_at IS NULL AND v.queue_id = q.id) AS talking
) AS open
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE v.joined_at > $3::timestamptz - interval '2 minutes') AS lately,
           count(*) FILTER (WHERE v.joined_at > $3::timestamptz - interval '10 minutes') AS before,
           avg(extract(epoch FROM s.ended_at - s.answered_at) + s.wrap_up_seconds)::double precision AS handling
    FROM ccm.queue_visit AS v
    LEFT JOIN ccm.segment AS s ON s.interaction_id = v.interaction_id AND s.visit = v.ordinal AND s.ended_at IS NOT NULL
    WHERE v.queue_id = q.id AND v.joined_at BETWEEN $3::timestamptz - interval '1 hour' AND $3
) AS came
WHERE n.name = $1 AND q.name = ANY ($2::text[])
