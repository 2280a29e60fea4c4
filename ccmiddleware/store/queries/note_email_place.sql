-- Under UIDVALIDITY $2, the message $4 stood at UID $3 in mailbox $1
INSERT INTO ccm.email_place (mailbox_id, uid_validity, uid, arrival_id)
VALUES ($1, $2, $3, $4)
ON CONFLICT (mailbox_id, uid_validity, uid) DO NOTHING
