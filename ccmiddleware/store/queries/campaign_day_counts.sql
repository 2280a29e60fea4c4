-- Attempts of campaign $1 since $3 that are over, by day in time zone $2: how many, answered by persons (machines that agents
-- found are none), dropped; and how many persons were taken for machines, as estimated from what agents heard on the day and
-- the 29 days before. report.campaign_day and report.drop_ledger count in the same way
SELECT d.day, d.attempts, d.live, d.drops,
       coalesce(d.unheard * j.persons / nullif(j.heard, 0)::double precision, 0) AS false_positives
FROM (
    SELECT (a.claimed_at AT TIME ZONE $2)::date AS day,
           count(*) AS attempts,
           count(*) FILTER (WHERE a.live AND (a.dropped OR said.effect IS DISTINCT FROM 'machine')) AS live,
           count(*) FILTER (WHERE a.dropped) AS drops,
           count(*) FILTER (WHERE a.detected = 'machine' AND NOT a.sampled) AS unheard
    FROM ccm.attempt AS a
    LEFT JOIN LATERAL (
        SELECT l.effect FROM ccm.lead_disposition AS l
        WHERE l.attempt_id = a.id AND a.live AND l.effect <> 'none'
        ORDER BY l.applied_at DESC, l.disposition_id DESC LIMIT 1) AS said ON true
    WHERE a.campaign_id = $1 AND a.claimed_at >= $3 AND a.ended_at IS NOT NULL
    GROUP BY 1
) AS d
CROSS JOIN LATERAL (
    SELECT count(*) AS heard, count(*) FILTER (WHERE said.effect <> 'machine') AS persons
    FROM ccm.attempt AS a
    CROSS JOIN LATERAL (
        SELECT l.effect FROM ccm.lead_disposition AS l
        WHERE l.attempt_id = a.id AND l.effect <> 'none'
        ORDER BY l.applied_at DESC, l.disposition_id DESC LIMIT 1) AS said
    WHERE a.campaign_id = $1 AND a.sampled AND d.unheard > 0
      AND a.claimed_at >= (d.day - 29)::timestamp AT TIME ZONE $2
      AND a.claimed_at < (d.day + 1)::timestamp AT TIME ZONE $2
) AS j
