-- Forget how a requirement is relaxed: $1 node, $2 queue, $3 skill
DELETE FROM ccm.queue_skill_relaxation AS r
USING ccm.queue JOIN ccm.node ON node.id = queue.node_id
WHERE r.queue_id = queue.id
  AND node.name = $1::text AND queue.name = $2::text AND r.skill = $3::text
