-- What became of the file of recording ($1 interaction, $2 segment), told by the leader of term $4 who
-- saw it in version $3: $5 path … $14 settled. No row when it is not so any more.
UPDATE ccm.recording AS r
SET version = $4::bigint * 1000000000 + r.version % 1000000000 + 1,
    path = $5, bytes = $6, sha256 = $7, compression = $8, original_bytes = $9,
    original_sha256 = $10, local = $11, object = $12, stored_at = $13, settled = $14
FROM ccm.leadership AS l
WHERE r.interaction_id = $1 AND r.segment = $2 AND r.version = $3::bigint
  AND l.node_id = r.node_id AND l.term = $4::bigint
RETURNING r.version
