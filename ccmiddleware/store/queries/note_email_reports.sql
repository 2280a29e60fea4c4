-- What the message $1, which arrived at $2, reports, as objects with outbox, recipient, state, status, why and address_gone
WITH told AS (
    SELECT * FROM jsonb_to_recordset($3::jsonb)
        AS t (outbox uuid, recipient text, state text, status text, why text, address_gone boolean)
), kept AS (
    INSERT INTO ccm.email_report (arrival_id, outbox_id, address, delivery, status, reason, told_at)
    SELECT $1, t.outbox, t.recipient, t.state, t.status, t.why, $2 FROM told AS t
    ON CONFLICT (arrival_id, outbox_id, address) DO NOTHING
), gone AS (
    INSERT INTO ccm.email_address (address, gone_at, reason)
    SELECT DISTINCT ON (lower(t.recipient)) lower(t.recipient), $2, t.why FROM told AS t WHERE t.address_gone
    ORDER BY lower(t.recipient), t.why
    ON CONFLICT (address) DO UPDATE SET gone_at = excluded.gone_at, reason = excluded.reason
)
UPDATE ccm.outbox_recipient AS r
SET delivery = t.state
FROM told AS t
WHERE r.outbox_id = t.outbox AND r.address = t.recipient
    AND CASE t.state WHEN 'delayed' THEN 1 WHEN 'delivered' THEN 2 ELSE 3 END
      > CASE r.delivery WHEN 'delayed' THEN 1 WHEN 'delivered' THEN 2 WHEN 'failed' THEN 3 ELSE 0 END
