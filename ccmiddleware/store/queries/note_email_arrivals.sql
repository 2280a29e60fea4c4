-- Messages with the SHA-256 $2 arrived in mailbox $1 at $4, and have the ids $3, or an older one where they are not fresh
WITH noted AS (
    INSERT INTO ccm.email_arrival (id, mailbox_id, sha256, arrived_at)
    SELECT m.id, $1, m.sha256, m.at
    FROM unnest($2::bytea[], $3::uuid[], $4::timestamptz[]) WITH ORDINALITY AS m (sha256, id, at, n)
    ORDER BY m.n
    ON CONFLICT (mailbox_id, sha256) DO NOTHING
    RETURNING id, sha256
)
SELECT id, sha256, true AS fresh FROM noted
UNION ALL
SELECT a.id, a.sha256, false FROM ccm.email_arrival AS a WHERE a.mailbox_id = $1 AND a.sha256 = ANY ($2::bytea[])
