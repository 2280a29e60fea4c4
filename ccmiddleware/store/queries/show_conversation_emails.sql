-- The emails of conversation $1, in order; of those that we send, what came of it
SELECT e.id, e.at, e.direction, e.from_address, e.from_name, e.recipients, e.subject, e.body, e.attachments,
    e.joined_by, e.automatic, o.state AS outbox
FROM ccm.email AS e
LEFT JOIN ccm.outbox AS o ON e.direction = 'outbound' AND o.message_id = e.message_id
WHERE e.conversation_id = $1
ORDER BY e.at, e.id
