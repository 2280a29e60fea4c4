-- Claim leads $6 of campaign $1 for node $2 in term $3 at $4, on terms $5
SELECT lead_id, attempt_id, number, refusal, again_at FROM ccm.claim_leads($1, $2, $3, $4, $5, $6)
