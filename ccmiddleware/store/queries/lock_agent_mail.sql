-- The agent with interface $2 on node $1 for a change, and how many items the agent has
SELECT a.id, a.email, a.email_capacity AS capacity,
    (SELECT count(*) FROM ccm.work_item AS w WHERE w.agent_id = a.id AND w.state = 'working') AS working
FROM ccm.agent AS a
JOIN ccm.node AS n ON n.id = a.node_id
WHERE n.name = $1 AND a.interface = $2
FOR UPDATE OF a
