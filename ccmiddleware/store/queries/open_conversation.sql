-- A new conversation $1 in the queue of mailbox $2: $3 subject, $4 when, $5 the one it refers to or null
INSERT INTO ccm.conversation (id, node_id, queue_id, subject, opened_at, changed_at, linked_to)
SELECT $1, m.node_id, m.queue_id, $3, $4, $4, $5 FROM ccm.mailbox AS m WHERE m.id = $2
