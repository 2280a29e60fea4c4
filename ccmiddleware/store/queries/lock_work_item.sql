-- The item $1 for a change, so that nobody else changes it meanwhile
SELECT w.id, w.number, w.state, w.outcome, w.asleep, w.not_before, w.taken_at, w.done_at, w.conversation_id, w.queue_id,
    q.name AS queue, n.name AS node, w.agent_id, coalesce(nullif(a.name, ''), a.interface) AS agent
FROM ccm.work_item AS w
JOIN ccm.queue AS q ON q.id = w.queue_id
JOIN ccm.node AS n ON n.id = w.node_id
LEFT JOIN ccm.agent AS a ON a.id = w.agent_id
WHERE w.id = $1
FOR UPDATE OF w
