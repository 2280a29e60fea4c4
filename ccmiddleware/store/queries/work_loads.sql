-- Agents of node $1 who take email, or have any, and how many each works on
SELECT a.interface, count(w.id) AS working, a.email_capacity AS capacity, a.calls_interrupt
FROM ccm.node AS n
JOIN ccm.agent AS a ON a.node_id = n.id
LEFT JOIN ccm.work_item AS w ON w.node_id = n.id AND w.agent_id = a.id AND w.state = 'working'
WHERE n.name = $1
GROUP BY a.id
HAVING a.email IS NOT NULL OR count(w.id) > 0
ORDER BY a.interface
