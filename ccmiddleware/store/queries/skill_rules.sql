-- What the queues of node $1 require, with relaxations as [[after seconds, minimum], …]
SELECT queue.name AS queue,
       required.skill,
       required.minimum,
       required.weight,
       coalesce((
           SELECT jsonb_agg(jsonb_build_array(r.after_seconds, r.minimum) ORDER BY r.after_seconds)
           FROM ccm.queue_skill_relaxation AS r
           WHERE r.queue_id = required.queue_id AND r.skill = required.skill
       ), '[]'::jsonb) AS relaxations
FROM ccm.queue_skill AS required
JOIN ccm.queue ON queue.id = required.queue_id
JOIN ccm.node ON node.id = queue.node_id
WHERE node.name = $1::text
ORDER BY queue.name, required.skill
