-- An answer of node $1 that did not reach somebody, of which nobody was told yet, held for the leader of term $2: its item, and who wrote it
SELECT o.id, o.mailbox_id, m.name AS mailbox, o.conversation_id, o.message_id, e.subject, e.body,
    ARRAY (
        SELECT r.address || ': ' || coalesce(
            (SELECT nullif(concat_ws(' ', nullif(t.status, ''), nullif(t.reason, '')), '') FROM ccm.email_report AS t
             WHERE t.outbox_id = o.id AND t.address = r.address AND t.delivery = 'failed' ORDER BY t.told_at DESC LIMIT 1),
            nullif(concat_ws(' ', CASE WHEN r.code >= 400 THEN r.code END, nullif(r.reason, '')), ''),
            nullif(o.reason, ''), 'it was not delivered')
        FROM ccm.outbox_recipient AS r
        WHERE r.outbox_id = o.id AND (r.state IN ('refused', 'given_up') OR r.delivery = 'failed')
        ORDER BY r.address
    ) AS failures,
    w.id AS item_id, w.number, q.name AS queue, a.email AS agent_address, coalesce(a.name, '') AS agent_name
FROM ccm.node AS n
JOIN ccm.leadership AS l ON l.node_id = n.id AND l.term = $2
JOIN ccm.outbox AS o ON o.node_id = n.id AND o.unreached
JOIN ccm.mailbox AS m ON m.id = o.mailbox_id
LEFT JOIN ccm.email AS e ON e.id = o.id
LEFT JOIN LATERAL (SELECT p.* FROM ccm.agent_reply AS p WHERE p.email_id = o.id ORDER BY p.at LIMIT 1) AS p ON true
LEFT JOIN ccm.work_item AS w ON w.id = p.item_id
LEFT JOIN ccm.queue AS q ON q.id = w.queue_id
LEFT JOIN ccm.agent AS a ON a.id = p.agent_id
WHERE n.name = $1
ORDER BY o.id
LIMIT 1
FOR UPDATE OF o SKIP LOCKED
