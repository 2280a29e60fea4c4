-- Emails of items on node $1 that their agents were not sent yet in this taking, oldest first: $2 at most, but none of $3
SELECT w.id AS item_id, w.number, w.conversation_id, w.taken_at, q.name AS queue, a.id AS agent_id, a.email AS agent_address,
    a.name AS agent_name, m.id AS mailbox_id, m.name AS mailbox, e.id AS email_id, e.sent_at, e.at, e.from_address, e.from_name, e.recipients,
    e.subject, e.body, e.attachments, e.notes, octet_length(r.content) AS raw_bytes, e.sha256
FROM ccm.node AS n
JOIN ccm.work_item AS w ON w.node_id = n.id AND w.state = 'working'
JOIN ccm.queue AS q ON q.id = w.queue_id
JOIN ccm.agent AS a ON a.id = w.agent_id AND a.email IS NOT NULL
JOIN ccm.email AS e ON e.conversation_id = w.conversation_id AND e.direction = 'inbound'
JOIN ccm.mailbox AS m ON m.id = e.mailbox_id
JOIN ccm.email_raw AS r ON r.sha256 = e.sha256
WHERE n.name = $1 AND e.id <> ALL ($3::uuid[])
    AND (e.id = w.id OR EXISTS (
        SELECT FROM ccm.interaction_event AS v
        WHERE v.interaction_id = e.id AND v.key = 'added_to' AND v.data ->> 'interaction' = w.id::text))
    AND NOT EXISTS (
        SELECT FROM ccm.email_relay AS p
        WHERE p.item_id = w.id AND p.email_id = e.id AND p.agent_id = a.id AND p.taken_at = w.taken_at)
ORDER BY e.at, e.id
LIMIT $2
