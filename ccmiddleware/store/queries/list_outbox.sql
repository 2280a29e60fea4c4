-- Messages put into the outbox since $1 until $2, newest first: $3 node, $4 mailbox, $5 kind, $6 state or null; $7 also
-- those that were sent; $8 how many at most
SELECT o.id, o.put_at, n.name AS node, m.name AS mailbox, o.kind, o.state, o.reason, o.attempts, o.next_attempt_at,
    o.done_at, o.message_id, o.conversation_id, c.number, o.decision, o.decided_at, o.decided_by,
    ARRAY(SELECT r.address FROM ccm.outbox_recipient AS r WHERE r.outbox_id = o.id ORDER BY r.address) AS recipients
FROM ccm.outbox AS o
JOIN ccm.node AS n ON n.id = o.node_id
JOIN ccm.mailbox AS m ON m.id = o.mailbox_id
LEFT JOIN ccm.conversation AS c ON c.id = o.conversation_id
WHERE o.put_at >= $1 AND o.put_at < $2
    AND ($3::text IS NULL OR n.name = $3)
    AND ($4::text IS NULL OR m.name = $4)
    AND ($5::text IS NULL OR o.kind = $5)
    AND ($6::text IS NULL OR o.state = $6)
    AND ($7 OR o.state <> 'sent' OR $6 = 'sent')
ORDER BY o.put_at DESC, o.id
LIMIT $8
