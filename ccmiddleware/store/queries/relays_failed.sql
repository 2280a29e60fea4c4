-- Emails of items on node $1 that did not reach the agent who has them, or may not have, and why
SELECT w.number, a.email AS address, o.state,
    coalesce(nullif(o.reason, ''), (SELECT max(r.reason) FROM ccm.outbox_recipient AS r WHERE r.outbox_id = o.id)) AS reason
FROM ccm.node AS n
JOIN ccm.work_item AS w ON w.node_id = n.id AND w.state = 'working'
JOIN ccm.agent AS a ON a.id = w.agent_id
JOIN ccm.email_relay AS p ON p.item_id = w.id AND p.agent_id = w.agent_id AND p.taken_at = w.taken_at
JOIN ccm.outbox AS o ON o.id = p.outbox_id
WHERE n.name = $1
    AND (o.state IN ('failed', 'unknown')
        OR EXISTS (SELECT FROM ccm.outbox_recipient AS r WHERE r.outbox_id = o.id AND r.delivery = 'failed'))
ORDER BY w.number
LIMIT 20
