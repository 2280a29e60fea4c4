-- Bring campaign $1 into state $2, by $3
UPDATE ccm.campaign
SET state = $2, state_at = now(), state_by = $3, started_at = coalesce(started_at, now())
WHERE id = $1
