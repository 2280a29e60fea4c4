-- History of campaigns: $1 since, $2 until, $3 campaign or null; the newest $4
SELECT changed_at, campaign, changed_by, what, before, after, revision
FROM ccm.campaign_change
WHERE changed_at >= $1 AND changed_at < $2 AND ($3::text IS NULL OR campaign = $3)
ORDER BY changed_at DESC, campaign, revision DESC, what
LIMIT $4
