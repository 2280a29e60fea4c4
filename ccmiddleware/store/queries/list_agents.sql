-- All agents, their state and their queues. $1 node or null, $2 queue or null.
SELECT node.name AS node,
       agent.name AS agent,
       agent.interface,
       coalesce(state.state, 'unknown') AS state,
       coalesce(state.reason, '') AS reason,
       state.started_at AS state_since,
       coalesce(queues.names, '{}') AS queues,
       agent.id,
       agent.email,
       agent.email_capacity,
       agent.calls_interrupt,
       (SELECT count(*) FROM ccm.work_item WHERE work_item.agent_id = agent.id AND work_item.state = 'working') AS emails
FROM ccm.agent
JOIN ccm.node ON node.id = agent.node_id
LEFT JOIN LATERAL (
    SELECT agent_state.state, agent_state.reason, agent_state.started_at
    FROM ccm.agent_state
    WHERE agent_state.agent_id = agent.id AND agent_state.ended_at IS NULL
    ORDER BY agent_state.started_at DESC
    LIMIT 1
) AS state ON true
LEFT JOIN LATERAL (
    SELECT array_agg(queue.name ORDER BY queue.name) AS names
    FROM ccm.queue_member
    JOIN ccm.queue ON queue.id = queue_member.queue_id
    WHERE queue_member.agent_id = agent.id AND queue_member.member
) AS queues ON true
WHERE ($1::text IS NULL OR node.name = $1)
  AND ($2::text IS NULL OR $2 = ANY (queues.names))
ORDER BY node.name, agent.name, agent.interface
