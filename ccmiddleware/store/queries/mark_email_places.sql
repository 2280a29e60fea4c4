-- Under UIDVALIDITY $2, the server has marked or moved the messages at the UIDs $3 of the folder $4 of mailbox $1
UPDATE ccm.email_place SET marked = true
WHERE mailbox_id = $1 AND source = $4 AND uid_validity = $2 AND uid = ANY ($3::bigint[]) AND NOT marked
