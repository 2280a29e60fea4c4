-- The mailbox $1 of the configuration, for node $2 and its queue $3; what was known of its folder
INSERT INTO ccm.mailbox AS m (name, node_id, queue_id)
SELECT $1, n.id, q.id
FROM ccm.node AS n JOIN ccm.queue AS q ON q.node_id = n.id AND q.name = $3
WHERE n.name = $2
ON CONFLICT (name) DO UPDATE SET node_id = excluded.node_id, queue_id = excluded.queue_id
RETURNING m.id, m.uid_validity, m.next_uid
