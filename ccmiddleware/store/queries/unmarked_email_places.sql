-- UIDs of the folder $4 of mailbox $1 under UIDVALIDITY $2 that were taken and are not known to be marked; at most $3,
-- oldest first
SELECT uid FROM ccm.email_place
WHERE mailbox_id = $1 AND source = $4 AND uid_validity = $2 AND NOT marked
ORDER BY uid
LIMIT $3
