-- What came of message $1, which was claimed in term $2: $3 state, $4 reason, $5 next attempt, $6 when it was done or null.
-- One that a later leader called unknown meanwhile takes the truth as well.
UPDATE ccm.outbox
SET state = $3, reason = $4, next_attempt_at = $5, done_at = $6
WHERE id = $1 AND term = $2 AND state IN ('claimed', 'speaking', 'unknown')
