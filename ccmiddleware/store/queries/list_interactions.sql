-- Interactions that began in [$1, $2), newest first. $3 queue or null, $4 agent (name or interface)
-- or null, $5 part of the caller's number or null, $6 outcome or null, $7 only those that have not
-- ended, $8 how many at most.
SELECT interaction.id,
       node.name AS node,
       interaction.channel,
       interaction.direction,
       interaction.state,
       attempt.outcome,
       interaction.caller_num,
       interaction.caller_name,
       interaction.did,
       interaction.started_at,
       interaction.ended_at,
       interaction.linkedid,
       interaction.inferred,
       coalesce(visits.queues, '{}') AS queues,
       visits.wait_seconds,
       coalesce(talks.agents, '{}') AS agents,
       talks.talk_seconds,
       coalesce(recordings.states, '{}') AS recordings,
       (SELECT disposition.code
        FROM ccm.disposition
        WHERE disposition.interaction_id = interaction.id
        ORDER BY disposition.given_at DESC, disposition.id DESC
        LIMIT 1) AS disposition
FROM ccm.interaction
JOIN ccm.node ON node.id = interaction.node_id
LEFT JOIN LATERAL (
    SELECT array_agg(queue.name ORDER BY queue_visit.ordinal) AS queues,
           extract(epoch FROM sum(queue_visit.left_at - queue_visit.joined_at))::float8
               AS wait_seconds
    FROM ccm.queue_visit
    JOIN ccm.queue ON queue.id = queue_visit.queue_id
    WHERE queue_visit.interaction_id = interaction.id
) AS visits ON true
LEFT JOIN LATERAL (
    SELECT array_agg(coalesce(nullif(agent.name, ''), agent.interface) ORDER BY segment.ordinal)
               AS agents,
           array_agg(agent.interface) AS interfaces,
           extract(epoch FROM sum(segment.ended_at - segment.answered_at))::float8 AS talk_seconds
    FROM ccm.segment
    JOIN ccm.agent ON agent.id = segment.agent_id
    WHERE segment.interaction_id = interaction.id
) AS talks ON true
LEFT JOIN LATERAL (
    SELECT array_agg(recording.state ORDER BY recording.segment) AS states
    FROM ccm.recording
    WHERE recording.interaction_id = interaction.id
) AS recordings ON true
-- As in report.interaction: a campaign's call that Asterisk calls abandoned may have been dropped.
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN interaction.outcome = 'abandoned' AND (
            SELECT dropped FROM ccm.attempt WHERE id = ccm.attempt_of(interaction.linkedid))
        THEN 'dropped' ELSE interaction.outcome
    END AS outcome
) AS attempt
WHERE interaction.started_at >= $1 AND interaction.started_at < $2
  AND ($3::text IS NULL OR $3 = ANY (visits.queues))
  AND ($4::text IS NULL OR $4 = ANY (talks.agents) OR $4 = ANY (talks.interfaces))
  AND ($5::text IS NULL OR strpos(interaction.caller_num, $5) > 0)
  AND ($6::text IS NULL OR attempt.outcome = $6)
  AND (NOT $7::boolean OR interaction.ended_at IS NULL)
ORDER BY interaction.started_at DESC, interaction.id DESC
LIMIT $8
