-- The last decision of campaign $1 before or at $2: with a number when $3 is true, without one when false, either when null
SELECT at, number, claimed, reason, detail
FROM ccm.campaign_decision
WHERE campaign_id = $1 AND at <= $2 AND ($3::boolean IS NULL OR (number > 0) = $3)
ORDER BY at DESC
LIMIT 1
