-- The message with SHA-256 $3 arrived in mailbox $2 at $4, and has the id $1; nothing when it had arrived before
INSERT INTO ccm.email_arrival (id, mailbox_id, sha256, arrived_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (mailbox_id, sha256) DO NOTHING
RETURNING id
