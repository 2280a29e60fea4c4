-- Message $1 did arrive, says $2 at $3; nothing unless it is unknown
WITH arrived AS (
    UPDATE ccm.outbox
    SET state = 'sent', reason = 'it did arrive, says ' || $2, done_at = $3, decision = 'sent', decided_at = $3,
        decided_by = $2
    WHERE id = $1 AND state = 'unknown'
    RETURNING id
), sent AS (
    UPDATE ccm.outbox_recipient AS r
    SET state = 'sent'
    FROM arrived AS a
    WHERE r.outbox_id = a.id AND r.state = 'pending'
)
SELECT id FROM arrived
