-- What the server said about recipients of message $1, as objects with address, state, code and reason
UPDATE ccm.outbox_recipient AS r
SET state = s.state, code = s.code, reason = s.reason
FROM jsonb_to_recordset($2::jsonb) AS s (address text, state text, code integer, reason text)
WHERE r.outbox_id = $1 AND r.address = s.address AND r.state = 'pending'
