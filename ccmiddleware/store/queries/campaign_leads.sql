-- How many leads campaigns $1 have, by state and last result
SELECT campaign_id, state, last_result, count(*) AS leads
FROM ccm.lead
WHERE campaign_id = ANY ($1::uuid[])
GROUP BY campaign_id, state, last_result
ORDER BY campaign_id, state, last_result
