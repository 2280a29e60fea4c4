-- Emails of [$1, $2), newest first: $3 node, $4 queue, $5 address of the sender, or null; $6 only of conversations that
-- are not closed; $7 how many at most
SELECT e.id, e.at, n.name AS node, q.name AS queue, e.direction, e.from_address, e.from_name, e.subject,
    c.state, e.conversation_id, c.number, jsonb_array_length(e.attachments) AS attachments, e.automatic
FROM ccm.email AS e
JOIN ccm.conversation AS c ON c.id = e.conversation_id
JOIN ccm.queue AS q ON q.id = c.queue_id
JOIN ccm.node AS n ON n.id = c.node_id
WHERE e.at >= $1 AND e.at < $2
    AND ($3::text IS NULL OR n.name = $3)
    AND ($4::text IS NULL OR q.name = $4)
    AND ($5::text IS NULL OR e.from_address = lower($5))
    AND (NOT $6 OR c.state <> 'closed')
ORDER BY e.at DESC, e.id
LIMIT $7
