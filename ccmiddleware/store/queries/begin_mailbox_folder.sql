-- Mailbox $1: its folder has UIDVALIDITY $2; if that is another one, its UIDs begin anew. Returns the next UID to take
UPDATE ccm.mailbox
SET next_uid = CASE WHEN uid_validity = $2 THEN next_uid ELSE 1 END, uid_validity = $2
WHERE id = $1
RETURNING next_uid
