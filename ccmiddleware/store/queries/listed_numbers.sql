-- Which of the numbers $2 are on the do-not-call list for campaign $1 (null: for all), at $3; prefixes apart
SELECT DISTINCT e.number
FROM ccm.dnc_entry AS e
WHERE e.number = ANY ($2::text[]) AND NOT e.prefix
  AND e.removed_at IS NULL AND (e.expires_at IS NULL OR e.expires_at > $3)
  AND (e.campaign_id IS NULL OR e.campaign_id = $1)
