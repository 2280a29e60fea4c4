-- Placements of work items of node $1 that are not over, with what was told of them
SELECT w.id, w.number, q.name AS queue, w.priority, w.arrived_at, w.state, w.fruitless, p.ordinal AS last_ordinal,
    coalesce(nullif(e.from_name, ''), e.from_address) AS sender, e.subject, p.attempt, p.placed_at, p.valid_until,
    ARRAY (SELECT s.step FROM ccm.work_step AS s WHERE s.attempt = p.attempt ORDER BY s.at, s.step) AS steps,
    (SELECT max(s.at) FROM ccm.work_step AS s WHERE s.attempt = p.attempt) AS told_at, p.agent_id IS NOT NULL AS straight, p.priority AS stands_with,
    a.id AS agent_id, a.email IS NOT NULL AS reachable
FROM ccm.work_placement AS p
-- From the few placements to their items: a plan for all at once, made while there were few items, would read them all.
CROSS JOIN LATERAL (SELECT i.* FROM ccm.work_item AS i WHERE i.id = p.item_id OFFSET 0) AS w
CROSS JOIN LATERAL (SELECT m.* FROM ccm.email AS m WHERE m.id = w.id OFFSET 0) AS e
JOIN ccm.node AS n ON n.id = w.node_id
JOIN ccm.queue AS q ON q.id = w.queue_id
LEFT JOIN LATERAL (
    SELECT s.agent_id
    FROM ccm.work_step AS s
    WHERE s.attempt = p.attempt AND s.agent_id IS NOT NULL
    -- app_queue knows which member it was; the dialplan knows the phone.
    ORDER BY s.step = 'answered' DESC, s.at DESC
    LIMIT 1
) AS who ON true
LEFT JOIN ccm.agent AS a ON a.id = who.agent_id
WHERE p.ended_at IS NULL AND n.name = $1
