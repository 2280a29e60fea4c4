-- Levels of the agents of node $1, by interface
SELECT agent.interface, agent_skill.skill, agent_skill.level
FROM ccm.agent_skill
JOIN ccm.agent ON agent.id = agent_skill.agent_id
JOIN ccm.node ON node.id = agent.node_id
WHERE node.name = $1::text
ORDER BY agent.interface, agent_skill.skill
