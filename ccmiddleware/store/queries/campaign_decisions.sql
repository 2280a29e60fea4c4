-- The last $4 decisions of campaign $1 from $2 to before $3, newest first
SELECT at, number, claimed, reason, detail
FROM ccm.campaign_decision
WHERE campaign_id = $1 AND at >= $2 AND at < $3
ORDER BY at DESC
LIMIT $4
