-- Mailbox $1: under UIDVALIDITY $2 of the folder $5, all below UID $3 is taken; $4 now
UPDATE ccm.mailbox
SET next_uid = greatest(next_uid, $3), checked_at = $4
WHERE id = $1 AND uid_validity = $2 AND source = $5
