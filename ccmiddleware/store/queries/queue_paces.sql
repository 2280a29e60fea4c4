-- Seconds from one answer to the next while somebody waited, by queue of node $1; the last 20 of the hour before $2
SELECT q.name AS queue, avg(extract(epoch FROM p.gap))::float8 AS pace
FROM ccm.node AS n
JOIN ccm.queue AS q ON q.node_id = n.id
JOIN ccm.queue_setting AS s ON s.queue_id = q.id AND s.max_estimated_wait_seconds IS NOT NULL
CROSS JOIN LATERAL (
    SELECT v.answered_at - greatest(v.joined_at, lag(v.answered_at) OVER (ORDER BY v.answered_at)) AS gap
    FROM ccm.queue_visit AS v
    WHERE v.queue_id = q.id AND v.answered_at > $2::timestamptz - interval '1 hour'
        AND v.joined_at > $2::timestamptz - interval '2 hours'
    ORDER BY v.answered_at DESC
    LIMIT 20
) AS p
WHERE n.name = $1
GROUP BY q.name
HAVING count(*) >= 3
