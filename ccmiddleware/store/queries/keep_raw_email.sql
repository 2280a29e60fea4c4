-- Keep the bytes $2 of a message, whose SHA-256 is $1; $3 whether they are the whole message, $4 now
INSERT INTO ccm.email_raw (sha256, content, whole, stored_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (sha256) DO NOTHING
