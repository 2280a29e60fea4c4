-- All skills, with how many agents have them and which queues require them
SELECT skill.name AS skill,
       skill.description,
       (SELECT count(*) FROM ccm.agent_skill AS a WHERE a.skill = skill.name) AS agents,
       coalesce((
           SELECT array_agg(DISTINCT queue.name ORDER BY queue.name)
           FROM ccm.queue_skill AS q JOIN ccm.queue ON queue.id = q.queue_id
           WHERE q.skill = skill.name
       ), '{}') AS queues
FROM ccm.skill
ORDER BY skill.name
