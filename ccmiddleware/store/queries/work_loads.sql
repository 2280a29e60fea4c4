-- Agents of node $1 who take email, or have any: how many each works on, queue and time of the one taken last
SELECT a.interface, count(w.id) AS working, a.email_capacity AS capacity, a.calls_interrupt,
    (array_agg(q.name ORDER BY w.taken_at DESC, w.id DESC) FILTER (WHERE w.id IS NOT NULL))[1] AS queue, max(w.taken_at) AS since
FROM ccm.node AS n
JOIN ccm.agent AS a ON a.node_id = n.id
LEFT JOIN ccm.work_item AS w ON w.node_id = n.id AND w.agent_id = a.id AND w.state = 'working'
LEFT JOIN ccm.queue AS q ON q.id = w.queue_id
WHERE n.name = $1
GROUP BY a.id
HAVING a.email IS NOT NULL OR count(w.id) > 0
ORDER BY a.interface
