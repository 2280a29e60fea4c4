-- All standing entries of source $1 and campaign $2
SELECT number, prefix FROM ccm.dnc_entry
WHERE source = $1 AND campaign_id IS NOT DISTINCT FROM $2 AND removed_at IS NULL
