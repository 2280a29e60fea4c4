-- Work items, those being worked on first, then those that wait in their order, then those that are done, the newest first:
-- $1 node, $2 queue, $3 interface of the agent, or null; $4 states; $5 now; $6 how many at most; $7 only the item with that id, or null
SELECT w.id, w.number, n.name AS node, q.name AS queue, w.state, w.reason, w.outcome,
    CASE WHEN w.state IN ('working', 'done') THEN coalesce(nullif(a.name, ''), a.interface) END AS agent,
    CASE WHEN w.state IN ('working', 'done') THEN a.interface END AS interface,
    w.priority, e.at AS arrived_at, extract(epoch FROM coalesce(w.done_at, $5) - e.at) AS age_seconds,
    CASE WHEN w.asleep THEN w.not_before END AS asleep_until,
    CASE WHEN w.state IN ('working', 'done') THEN w.taken_at END AS taken_at, w.done_at,
    e.from_address, e.from_name, e.subject, w.conversation_id,
    (SELECT count(*) FROM ccm.email AS m
     WHERE m.conversation_id = w.conversation_id AND m.direction = 'inbound' AND m.at >= e.at
        AND m.at <= coalesce(w.done_at, 'infinity')) AS emails,
    (SELECT CASE WHEN EXISTS (
            SELECT FROM ccm.outbox_recipient AS r
            WHERE r.outbox_id = o.id AND (r.state IN ('refused', 'given_up') OR r.delivery = 'failed')) THEN 'not delivered' END
     FROM ccm.outbox AS o
     WHERE o.conversation_id = w.conversation_id AND o.kind = 'answer'
     ORDER BY o.put_at DESC LIMIT 1) AS answer
FROM ccm.work_item AS w
JOIN ccm.email AS e ON e.id = w.id
JOIN ccm.queue AS q ON q.id = w.queue_id
JOIN ccm.node AS n ON n.id = w.node_id
LEFT JOIN ccm.agent AS a ON a.id = w.agent_id
WHERE ($1::text IS NULL OR n.name = $1)
    AND ($2::text IS NULL OR q.name = $2)
    AND ($3::text IS NULL OR (a.interface = $3 AND w.state IN ('working', 'done')))
    AND w.state = ANY ($4::text[])
    AND ($7::uuid IS NULL OR w.id = $7)
ORDER BY CASE w.state WHEN 'working' THEN 0 WHEN 'done' THEN 2 ELSE 1 END, w.done_at DESC, w.asleep, w.priority DESC,
    w.arrived_at, w.id
LIMIT $6
