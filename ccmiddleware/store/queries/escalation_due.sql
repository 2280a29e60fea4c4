-- The deadline of node $1 about which something is to be done first at $3, with its item, for the leader of term $2
SELECT k.conversation_id, k.goal, k.ordinal, k.began_at, k.due_at, k.due_at <= $3 AS overdue, k.steps,
    w.id AS item_id, w.number, w.state, q.name AS queue, c.subject, e.from_address AS customer,
    coalesce(nullif(a.name, ''), a.interface, '') AS agent, m.id AS mailbox_id, m.name AS mailbox,
    coalesce(s.email_escalate_to, '') AS ways, coalesce(s.email_take_back, false) AS take_back,
    ARRAY (SELECT o.name FROM ccm.queue AS o WHERE o.node_id = n.id) AS queues
FROM ccm.node AS n
JOIN ccm.leadership AS l ON l.node_id = n.id AND l.term = $2
JOIN ccm.service_clock AS k ON k.ended_at IS NULL AND k.warn_at <= $3 AND NOT k.steps @> '{warned,overdue}'
    AND NOT ('warned' = ANY (k.steps) AND k.due_at > $3)
JOIN ccm.conversation AS c ON c.id = k.conversation_id AND c.node_id = n.id AND NOT c.times_stale
JOIN ccm.work_item AS w ON w.conversation_id = c.id AND w.state <> 'done'
JOIN ccm.queue AS q ON q.id = w.queue_id
JOIN ccm.email AS e ON e.id = w.id
JOIN ccm.mailbox AS m ON m.id = e.mailbox_id
LEFT JOIN ccm.queue_setting AS s ON s.queue_id = q.id
LEFT JOIN ccm.agent AS a ON a.id = w.agent_id AND w.state = 'working'
WHERE n.name = $1
ORDER BY k.warn_at
LIMIT 1
FOR UPDATE OF c SKIP LOCKED
