-- Relax a requirement after a wait: $1 node, $2 queue, $3 skill, $4 seconds, $5 minimum
INSERT INTO ccm.queue_skill_relaxation (queue_id, skill, after_seconds, minimum)
SELECT queue.id, $3::text, $4::integer, $5::smallint
FROM ccm.queue JOIN ccm.node ON node.id = queue.node_id
WHERE node.name = $1::text AND queue.name = $2::text
