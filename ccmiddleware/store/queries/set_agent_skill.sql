-- Set the level of an agent: $1 node, $2 interface, $3 skill, $4 level
INSERT INTO ccm.agent_skill (agent_id, skill, level)
SELECT agent.id, $3::text, $4::smallint
FROM ccm.agent JOIN ccm.node ON node.id = agent.node_id
WHERE node.name = $1::text AND agent.interface = $2::text
ON CONFLICT (agent_id, skill) DO UPDATE SET level = EXCLUDED.level, changed_at = now()
