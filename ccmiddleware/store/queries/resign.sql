-- The daemon $1 leads nothing any more, in order
WITH stopped AS (
    UPDATE ccm.daemon SET seen_at = now(), stopped_at = now(), journal_facts = $2::bigint,
        journal_bytes = $3::bigint
    WHERE id = $1::uuid
)
UPDATE ccm.leadership SET daemon_id = NULL WHERE daemon_id = $1::uuid
