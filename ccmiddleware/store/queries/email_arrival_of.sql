-- The id of the message with SHA-256 $2 in mailbox $1
SELECT id FROM ccm.email_arrival WHERE mailbox_id = $1 AND sha256 = $2
