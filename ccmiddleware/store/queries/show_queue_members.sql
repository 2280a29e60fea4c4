-- The members of a queue and what each is doing. $1 queue, $2 node or null.
SELECT node.name AS node,
       agent.name AS agent,
       agent.interface,
       queue_member.penalty,
       queue_member.paused,
       queue_member.pause_reason,
       coalesce(state.state, 'unknown') AS state,
       coalesce(state.reason, '') AS reason,
       state.started_at AS state_since
FROM ccm.queue
JOIN ccm.node ON node.id = queue.node_id
JOIN ccm.queue_member ON queue_member.queue_id = queue.id AND queue_member.member
JOIN ccm.agent ON agent.id = queue_member.agent_id
LEFT JOIN LATERAL (
    SELECT agent_state.state, agent_state.reason, agent_state.started_at
    FROM ccm.agent_state
    WHERE agent_state.agent_id = agent.id AND agent_state.ended_at IS NULL
    ORDER BY agent_state.started_at DESC
    LIMIT 1
) AS state ON true
WHERE queue.name = $1 AND ($2::text IS NULL OR node.name = $2)
ORDER BY node.name, queue_member.penalty, agent.name, agent.interface
