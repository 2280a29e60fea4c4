-- The last decision of campaign $1 before or at $2: one that began calls when $3 is true, that began none when false, either when null
SELECT at, number, claimed, reason, detail
FROM ccm.campaign_decision
WHERE campaign_id = $1 AND at <= $2 AND ($3::boolean IS NULL OR (claimed > 0) = $3)
ORDER BY at DESC
LIMIT 1
