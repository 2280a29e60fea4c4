-- Message $1 is to be sent again, says $2 at $3, to all who do not have it; nothing unless it is unknown or failed
WITH again AS (
    UPDATE ccm.outbox
    SET state = 'queued', reason = 'queued again by ' || $2, attempts = 0, next_attempt_at = $3, done_at = NULL,
        decision = 'retry', decided_at = $3, decided_by = $2
    WHERE id = $1 AND state IN ('unknown', 'failed')
    RETURNING id
), pending AS (
    UPDATE ccm.outbox_recipient AS r
    SET state = 'pending'
    FROM again AS a
    WHERE r.outbox_id = a.id AND r.state IN ('refused', 'given_up')
)
SELECT id FROM again
