-- Require a skill in a queue no more: $1 node, $2 queue, $3 skill
DELETE FROM ccm.queue_skill
USING ccm.queue JOIN ccm.node ON node.id = queue.node_id
WHERE queue_skill.queue_id = queue.id
  AND node.name = $1::text AND queue.name = $2::text AND queue_skill.skill = $3::text
