-- Under UIDVALIDITY $2, the message $4 stood at UID $3 in the folder $5 of mailbox $1
INSERT INTO ccm.email_place (mailbox_id, uid_validity, uid, arrival_id, source)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (mailbox_id, source, uid_validity, uid) DO NOTHING
