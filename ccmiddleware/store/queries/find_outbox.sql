-- Messages in the outbox whose id begins with $1, or whose Message-ID is $2
SELECT o.id, o.put_at, n.name AS node, m.name AS mailbox, o.kind, o.state, o.reason, o.attempts, o.next_attempt_at,
    o.spoke_at, o.done_at, o.message_id, o.envelope_from, o.conversation_id, c.number, o.decision, o.decided_at,
    o.decided_by, octet_length(o.content) AS bytes, o.content
FROM ccm.outbox AS o
JOIN ccm.node AS n ON n.id = o.node_id
JOIN ccm.mailbox AS m ON m.id = o.mailbox_id
LEFT JOIN ccm.conversation AS c ON c.id = o.conversation_id
WHERE ($1 <> '' AND o.id::text LIKE $1 || '%') OR o.message_id = $2
ORDER BY o.id
LIMIT 2
