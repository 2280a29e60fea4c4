-- Queues in which the agent with interface $2 on node $1 is a member, or was
SELECT q.name AS queue, m.member, m.penalty, m.paused
FROM ccm.queue_member AS m
JOIN ccm.queue AS q ON q.id = m.queue_id
JOIN ccm.agent AS a ON a.id = m.agent_id
JOIN ccm.node AS n ON n.id = a.node_id
WHERE n.name = $1 AND a.interface = $2
ORDER BY q.name
