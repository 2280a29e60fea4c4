-- Work items of node $1 that may be placed at $2: the first $3 of each queue, in their order
SELECT w.id, w.number, q.name AS queue, w.priority, w.arrived_at, w.state, w.fruitless,
    coalesce((SELECT max(p.ordinal) FROM ccm.work_placement AS p WHERE p.item_id = w.id), 0) AS last_ordinal,
    coalesce(nullif(e.from_name, ''), e.from_address) AS sender, e.subject
FROM ccm.node AS n
JOIN ccm.queue AS q ON q.node_id = n.id
CROSS JOIN LATERAL (
    SELECT i.*
    FROM ccm.work_item AS i
    WHERE i.queue_id = q.id AND i.state = 'waiting' AND NOT i.asleep AND i.not_before <= $2
        AND NOT EXISTS (SELECT FROM ccm.work_placement AS p WHERE p.item_id = i.id AND p.ended_at IS NULL)
    ORDER BY i.priority DESC, i.arrived_at, i.id
    LIMIT $3
) AS w
JOIN ccm.email AS e ON e.id = w.id
WHERE n.name = $1
ORDER BY q.name, w.priority DESC, w.arrived_at, w.id
