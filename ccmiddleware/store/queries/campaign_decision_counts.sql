-- How often campaign $1 decided for which reason from $2 to before $3, what held the controller, and how many calls that made
SELECT reason, detail ->> 'held_by' AS held_by, count(*) AS decisions, sum(number)::bigint AS calls,
    sum(claimed)::bigint AS claimed
FROM ccm.campaign_decision
WHERE campaign_id = $1 AND at >= $2 AND at < $3
GROUP BY reason, detail ->> 'held_by'
ORDER BY calls DESC, decisions DESC, reason, held_by
