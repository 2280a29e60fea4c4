-- Emails whose id begins with $1, with their bytes
SELECT e.id, e.at, e.sent_at, n.name AS node, q.name AS queue, m.name AS mailbox, e.direction, e.message_id,
    e.from_address, e.from_name, e.recipients, e.subject, e.body, e.quoted, e.attachments, e.notes, e.joined_by,
    e.automatic, e.conversation_id, c.number, c.state, c.linked_to, coalesce(r.content, o.content) AS content,
    coalesce((v.data ->> 'interaction')::uuid, w.id) AS item_id
FROM ccm.email AS e
JOIN ccm.conversation AS c ON c.id = e.conversation_id
JOIN ccm.queue AS q ON q.id = c.queue_id
JOIN ccm.node AS n ON n.id = c.node_id
JOIN ccm.mailbox AS m ON m.id = e.mailbox_id
LEFT JOIN ccm.email_raw AS r ON r.sha256 = e.sha256
LEFT JOIN ccm.interaction_event AS v ON v.interaction_id = e.id AND v.key = 'added_to'
LEFT JOIN ccm.work_item AS w ON w.id = e.id
LEFT JOIN ccm.outbox AS o ON o.id = e.id
WHERE $1 <> '' AND e.id::text LIKE $1 || '%'
ORDER BY e.id
LIMIT 2
