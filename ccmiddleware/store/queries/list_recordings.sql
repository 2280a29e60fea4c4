-- Recordings asked for in [$1, $2), newest first. $3 queue or null, $4 agent (name or interface) or
-- null, $5 state or null, $6 how many at most.
SELECT recording.interaction_id AS interaction,
       recording.segment,
       node.name AS node,
       queue.name AS queue,
       coalesce(nullif(agent.name, ''), agent.interface) AS agent,
       recording.state,
       recording.started_at,
       recording.seconds,
       recording.bytes,
       recording.path,
       recording.sha256,
       recording.error,
       recording.compression,
       CASE WHEN recording.state <> 'finished' THEN NULL WHEN recording.object IS NULL THEN 'directory'
            WHEN recording.local THEN 'both' ELSE 'bucket' END AS store,
       recording.object,
       recording.deleted_at,
       recording.deleted_why,
       hold.id IS NOT NULL AS held
FROM ccm.recording
JOIN ccm.node ON node.id = recording.node_id
LEFT JOIN ccm.segment ON segment.interaction_id = recording.interaction_id
    AND segment.ordinal = recording.segment
LEFT JOIN ccm.agent ON agent.id = segment.agent_id
LEFT JOIN ccm.queue_visit ON queue_visit.interaction_id = segment.interaction_id
    AND queue_visit.ordinal = segment.visit
LEFT JOIN ccm.queue ON queue.id = queue_visit.queue_id
LEFT JOIN ccm.recording_hold AS hold ON hold.interaction_id = recording.interaction_id
    AND hold.released_at IS NULL
WHERE recording.started_at >= $1 AND recording.started_at < $2
  AND ($3::text IS NULL OR queue.name = $3)
  AND ($4::text IS NULL OR agent.name = $4 OR agent.interface = $4)
  AND ($5::text IS NULL OR recording.state = $5)
ORDER BY recording.started_at DESC, recording.interaction_id DESC, recording.segment DESC
LIMIT $6
