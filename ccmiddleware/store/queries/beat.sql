-- A sign of life of the daemon $1, with the backlog of its journal in facts and bytes
UPDATE ccm.daemon
SET seen_at = now(), journal_facts = $2::bigint, journal_bytes = $3::bigint
WHERE id = $1::uuid
