-- Recordings of node $1 with whose files something is to be done, after ($2 interaction, $3 segment),
-- in the order of ids; $4 how many at most
SELECT r.interaction_id, r.segment, r.version, r.state, r.path, r.bytes, r.sha256, r.compression,
       r.original_bytes, r.original_sha256, r.local, r.object, r.stored_at,
       coalesce(r.deleted_at, r.ended_at, r.started_at) AS since, coalesce(q.name, '') AS queue
FROM ccm.node AS n
JOIN ccm.recording AS r ON r.node_id = n.id
LEFT JOIN ccm.segment AS s ON s.interaction_id = r.interaction_id AND s.ordinal = r.segment
LEFT JOIN ccm.queue_visit AS v ON v.interaction_id = s.interaction_id AND v.ordinal = s.visit
LEFT JOIN ccm.queue AS q ON q.id = v.queue_id
WHERE n.name = $1::text AND NOT r.settled
  AND (r.interaction_id, r.segment) > ($2::uuid, $3::smallint)
ORDER BY r.interaction_id, r.segment
LIMIT $4
