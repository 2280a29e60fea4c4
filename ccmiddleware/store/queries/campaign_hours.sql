-- Attempts of campaign $1 since $3 whose end was seen, and answers by people, by hour of the day in time zone $2
SELECT extract(hour FROM a.claimed_at AT TIME ZONE $2)::integer AS hour, count(*) AS attempts,
    count(*) FILTER (WHERE a.live) AS live
FROM ccm.attempt AS a
WHERE a.campaign_id = $1 AND a.claimed_at >= $3 AND a.result <> 'unknown'
GROUP BY 1
ORDER BY 1
