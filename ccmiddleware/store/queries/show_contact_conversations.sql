-- Conversations in which addresses of contact $1 take part: $2 only those that are not closed; $3 how many, the newest
SELECT v.id, v.state, v.subject, q.name AS queue, n.name AS node, v.opened_at, v.changed_at, v.closed_at
FROM ccm.conversation AS v
JOIN ccm.queue AS q ON q.id = v.queue_id
JOIN ccm.node AS n ON n.id = v.node_id
WHERE v.id IN (
        SELECT p.conversation_id
        FROM ccm.contact_address AS a
        JOIN ccm.conversation_participant AS p ON p.address = a.address
        WHERE a.contact_id = $1 AND a.kind = 'email')
    AND (NOT $2 OR v.state <> 'closed')
ORDER BY v.changed_at DESC, v.id
LIMIT $3
