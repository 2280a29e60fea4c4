-- Mailbox $1: its folder has UIDVALIDITY $2 and is $3; if either is another one, UIDs begin anew. Returns the next to take
UPDATE ccm.mailbox
SET next_uid = CASE WHEN uid_validity = $2 AND source = $3 THEN next_uid ELSE 1 END, uid_validity = $2, source = $3
WHERE id = $1
RETURNING next_uid
