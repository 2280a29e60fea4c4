-- Agents on node $1 with name or interface $2, and whether they serve queue $3
SELECT a.id, a.name, a.interface,
    EXISTS (SELECT FROM ccm.queue_member AS m JOIN ccm.queue AS q ON q.id = m.queue_id
            WHERE m.agent_id = a.id AND m.member AND q.name = $3) AS serves
FROM ccm.agent AS a JOIN ccm.node AS n ON n.id = a.node_id
WHERE n.name = $1 AND (a.name = $2 OR a.interface = $2)
ORDER BY serves DESC, a.interface
