-- The parts of one interaction that agents handled. $1 id.
SELECT segment.ordinal, segment.visit, coalesce(nullif(agent.name, ''), agent.interface) AS agent,
       agent.interface, segment.offered_at, segment.answered_at, segment.ended_at, segment.ended_by,
       segment.hold_seconds, segment.wrap_up_seconds, segment.channel, segment.agent_channel,
       segment.inferred
FROM ccm.segment
JOIN ccm.agent ON agent.id = segment.agent_id
WHERE segment.interaction_id = $1
ORDER BY segment.ordinal
