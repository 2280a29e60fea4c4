-- Under UIDVALIDITY $2, the messages $4 stood at the UIDs $3 of the folder $6 of mailbox $1, and all up to there is
-- taken; $5 now
WITH noted AS (
    INSERT INTO ccm.email_place (mailbox_id, source, uid_validity, uid, arrival_id)
    SELECT $1, $6, $2, m.uid, m.id FROM unnest($3::bigint[], $4::uuid[]) AS m (uid, id)
    ON CONFLICT (mailbox_id, source, uid_validity, uid) DO NOTHING
)
UPDATE ccm.mailbox
SET next_uid = greatest(next_uid, (SELECT max(uid) + 1 FROM unnest($3::bigint[]) AS uid)), checked_at = $5
WHERE id = $1 AND uid_validity = $2 AND source = $6
