-- Message $1 is not to be sent to those who do not have it, says $2 at $3; nothing unless it waits or is unknown
WITH dropped AS (
    UPDATE ccm.outbox AS o
    SET state = CASE
            WHEN EXISTS (SELECT FROM ccm.outbox_recipient AS r WHERE r.outbox_id = o.id AND r.state = 'sent') THEN 'sent'
            ELSE 'failed'
        END,
        reason = 'dropped by ' || $2, done_at = $3, decision = 'drop', decided_at = $3, decided_by = $2
    WHERE o.id = $1 AND o.state IN ('queued', 'unknown')
    RETURNING o.id
), given_up AS (
    UPDATE ccm.outbox_recipient AS r
    SET state = 'given_up', reason = 'dropped by ' || $2
    FROM dropped AS d
    WHERE r.outbox_id = d.id AND r.state = 'pending'
)
SELECT id FROM dropped
