-- Attempts of node $1 that did not end, but for those of ids $2
SELECT id, campaign_id, lead_id, number, trunk, caller_id, term, claimed_at, dialed_at, callback_id
FROM ccm.attempt
WHERE node = $1 AND ended_at IS NULL AND id <> ALL ($2::uuid[])
ORDER BY id
LIMIT 10000
