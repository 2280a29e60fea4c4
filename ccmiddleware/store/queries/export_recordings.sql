-- The next recordings asked for in [$1, $2) after ($6 interaction, $7 segment), in the order of ids.
-- $3 queue or null, $4 agent (name or interface) or null, $5 interaction or null, $8 how many at most.
SELECT recording.interaction_id, recording.segment, node.name AS node, queue.name AS queue,
       coalesce(nullif(agent.name, ''), agent.interface) AS agent,
       interaction.caller_num AS caller, recording.state, recording.started_at, recording.seconds,
       recording.bytes, recording.path, recording.sha256, recording.local, recording.object,
       recording.error
FROM ccm.recording
JOIN ccm.node ON node.id = recording.node_id
LEFT JOIN ccm.interaction ON interaction.id = recording.interaction_id
LEFT JOIN ccm.segment ON segment.interaction_id = recording.interaction_id
    AND segment.ordinal = recording.segment
LEFT JOIN ccm.agent ON agent.id = segment.agent_id
LEFT JOIN ccm.queue_visit ON queue_visit.interaction_id = segment.interaction_id
    AND queue_visit.ordinal = segment.visit
LEFT JOIN ccm.queue ON queue.id = queue_visit.queue_id
WHERE recording.started_at >= $1 AND recording.started_at < $2
  AND ($3::text IS NULL OR queue.name = $3)
  AND ($4::text IS NULL OR agent.name = $4 OR agent.interface = $4)
  AND ($5::uuid IS NULL OR recording.interaction_id = $5)
  AND (recording.interaction_id, recording.segment) > ($6::uuid, $7::smallint)
ORDER BY recording.interaction_id, recording.segment
LIMIT $8
