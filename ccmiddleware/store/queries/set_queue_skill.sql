-- Require a skill in a queue: $1 node, $2 queue, $3 skill, $4 minimum, $5 weight
INSERT INTO ccm.queue_skill (queue_id, skill, minimum, weight)
SELECT queue.id, $3::text, $4::smallint, $5::smallint
FROM ccm.queue JOIN ccm.node ON node.id = queue.node_id
WHERE node.name = $1::text AND queue.name = $2::text
ON CONFLICT (queue_id, skill) DO UPDATE SET
    minimum = EXCLUDED.minimum, weight = EXCLUDED.weight, changed_at = now()
