-- Attempts of campaign $1 since $3 that are over, by day in time zone $2: how many, answered by persons, dropped; and how many
-- persons were taken for machines, as estimated from the sample of 30 days more
WITH judged AS (
    SELECT count(*) AS heard, count(*) FILTER (WHERE said.effect <> 'machine') AS persons
    FROM ccm.attempt AS a
    CROSS JOIN LATERAL (
        SELECT l.effect FROM ccm.lead_disposition AS l
        WHERE l.attempt_id = a.id AND l.effect <> 'none'
        ORDER BY l.applied_at DESC, l.disposition_id DESC LIMIT 1) AS said
    WHERE a.campaign_id = $1 AND a.sampled AND a.claimed_at >= $3::timestamptz - interval '30 days'
)
SELECT d.day, d.attempts, d.live, d.drops,
       coalesce(d.machines * j.persons / nullif(j.heard, 0)::double precision, 0) AS false_positives
FROM (
    SELECT (a.claimed_at AT TIME ZONE $2)::date AS day,
           count(*) AS attempts,
           count(*) FILTER (WHERE a.live) AS live,
           count(*) FILTER (WHERE a.dropped) AS drops,
           count(*) FILTER (WHERE a.detected = 'machine' AND NOT a.sampled) AS machines
    FROM ccm.attempt AS a
    WHERE a.campaign_id = $1 AND a.claimed_at >= $3 AND a.ended_at IS NOT NULL
    GROUP BY 1
) AS d
CROSS JOIN judged AS j
