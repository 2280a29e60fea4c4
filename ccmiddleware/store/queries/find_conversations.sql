-- Conversations with an id from $1 to $2, or with the number $3
SELECT v.id, v.number, n.name AS node, q.name AS queue, v.state, v.subject, v.opened_at, v.changed_at, v.closed_at, v.linked_to
FROM ccm.conversation AS v
JOIN ccm.queue AS q ON q.id = v.queue_id
JOIN ccm.node AS n ON n.id = v.node_id
WHERE v.id BETWEEN $1::uuid AND $2::uuid OR v.number = $3
ORDER BY v.id
LIMIT 2
