-- Forget the level of an agent: $1 node, $2 interface, $3 skill
DELETE FROM ccm.agent_skill
USING ccm.agent JOIN ccm.node ON node.id = agent.node_id
WHERE agent_skill.agent_id = agent.id
  AND node.name = $1::text AND agent.interface = $2::text AND agent_skill.skill = $3::text
