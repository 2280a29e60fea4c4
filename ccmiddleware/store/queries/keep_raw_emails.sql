-- Keep the bytes $2 of messages, whose SHA-256 are $1; $3 whether they are the whole message, $4 now
INSERT INTO ccm.email_raw (sha256, content, whole, stored_at)
SELECT m.sha256, m.content, m.whole, $4
FROM unnest($1::bytea[], $2::bytea[], $3::boolean[]) AS m (sha256, content, whole)
-- In one order for all mailboxes, so that none waits for another that waits for it.
ORDER BY m.sha256
ON CONFLICT (sha256) DO NOTHING
