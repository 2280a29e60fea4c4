-- The prefixes on the do-not-call list for campaign $1 (null: for all), at $2
SELECT DISTINCT number
FROM ccm.dnc_entry
WHERE prefix AND removed_at IS NULL AND (expires_at IS NULL OR expires_at > $2)
  AND (campaign_id IS NULL OR campaign_id = $1)
