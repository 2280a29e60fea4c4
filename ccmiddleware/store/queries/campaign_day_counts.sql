-- Attempts of campaign $1 since $3 that are over, by day in time zone $2: how many, answered by persons, dropped
SELECT (a.claimed_at AT TIME ZONE $2)::date AS day,
       count(*) AS attempts,
       count(*) FILTER (WHERE a.live) AS live,
       count(*) FILTER (WHERE a.dropped) AS drops
FROM ccm.attempt AS a
WHERE a.campaign_id = $1 AND a.claimed_at >= $3 AND a.ended_at IS NOT NULL
GROUP BY 1
