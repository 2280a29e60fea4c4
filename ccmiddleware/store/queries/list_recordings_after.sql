-- The next recordings after ($1 interaction id, $2 segment), in the order of ids, to go through all
-- in pages. $3 only those asked for since then, or null; $4 how many.
SELECT recording.interaction_id, recording.segment, node.name AS node, recording.state,
       recording.path, recording.started_at, recording.ended_at, recording.seconds, recording.bytes,
       recording.sha256, recording.error, recording.local, recording.object, recording.settled,
       segment.ended_at AS talk_ended_at
FROM ccm.recording
JOIN ccm.node ON node.id = recording.node_id
LEFT JOIN ccm.segment ON segment.interaction_id = recording.interaction_id
    AND segment.ordinal = recording.segment
WHERE (recording.interaction_id, recording.segment) > ($1::uuid, $2::smallint)
  AND ($3::timestamptz IS NULL OR recording.started_at >= $3)
ORDER BY recording.interaction_id, recording.segment
LIMIT $4
