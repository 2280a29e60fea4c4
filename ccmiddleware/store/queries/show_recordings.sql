-- The recordings of one interaction. $1 id.
SELECT recording.interaction_id, recording.segment, node.name AS node, recording.state,
       recording.path, recording.started_at, recording.ended_at, recording.seconds, recording.bytes,
       recording.sha256, recording.error, recording.channels, recording.paused_at,
       recording.paused_seconds, recording.stopped_at, recording.asked, recording.compression,
       recording.original_bytes, recording.original_sha256, recording.local, recording.object,
       recording.stored_at, recording.deleted_at, recording.deleted_why, recording.settled
FROM ccm.recording
JOIN ccm.node ON node.id = recording.node_id
WHERE recording.interaction_id = $1
ORDER BY recording.segment
