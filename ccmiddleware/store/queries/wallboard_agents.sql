-- Agents who are logged in, at this moment, for the wallboard. $1 node or null, $2 queue or null
SELECT n.name AS node, coalesce(nullif(a.name, ''), a.interface) AS agent, a.interface,
    s.state, s.reason, report.seconds(s.started_at, now()) AS seconds,
    q.name AS queue, i.caller_num AS customer
FROM ccm.agent_state AS s
JOIN ccm.agent AS a ON a.id = s.agent_id
JOIN ccm.node AS n ON n.id = a.node_id
LEFT JOIN LATERAL (
    SELECT t.interaction_id, t.visit
    FROM (
        SELECT g.interaction_id, g.visit, g.answered_at AS at
        FROM ccm.segment AS g
        WHERE g.agent_id = a.id AND g.ended_at IS NULL
        UNION ALL
        SELECT o.interaction_id, o.visit, o.offered_at
        FROM ccm.offer AS o
        WHERE o.agent_id = a.id AND o.ended_at IS NULL AND s.state = 'ringing'
    ) AS t
    ORDER BY t.at DESC
    LIMIT 1
) AS t ON true
LEFT JOIN LATERAL (
    SELECT c.caller_num FROM ccm.interaction AS c WHERE c.id = t.interaction_id LIMIT 1
) AS i ON true
LEFT JOIN LATERAL (
    SELECT v.queue_id FROM ccm.queue_visit AS v
    WHERE v.interaction_id = t.interaction_id AND v.ordinal = t.visit
    LIMIT 1
) AS v ON true
LEFT JOIN ccm.queue AS q ON q.id = v.queue_id
WHERE s.ended_at IS NULL AND s.state <> 'logged_out'
    AND ($1::text IS NULL OR n.name = $1)
    AND ($2::text IS NULL OR EXISTS (
        SELECT FROM ccm.queue_member AS m JOIN ccm.queue AS k ON k.id = m.queue_id
        WHERE m.agent_id = a.id AND m.member AND k.name = $2))
ORDER BY n.name, agent, a.interface
