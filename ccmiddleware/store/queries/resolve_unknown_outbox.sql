-- A report at $2 shows that the server has the messages $1, of which nobody could tell
UPDATE ccm.outbox SET state = 'sent', done_at = $2, reason = 'a delivery report tells of it'
WHERE id = ANY ($1::uuid[]) AND state = 'unknown'
