-- Attempts of node $1 that did not end
SELECT id, campaign_id, lead_id, number, trunk, caller_id, term, claimed_at, dialed_at, callback_id
FROM ccm.attempt
WHERE node = $1 AND ended_at IS NULL
ORDER BY id
LIMIT 1000
