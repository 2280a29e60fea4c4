-- What threading asks of the conversations $1: who takes part, which queue has it, and whether it is closed
SELECT c.id, n.name AS node, q.name AS queue, c.closed_at,
    ARRAY(SELECT p.address FROM ccm.conversation_participant AS p WHERE p.conversation_id = c.id) AS participants
FROM ccm.conversation AS c
JOIN ccm.node AS n ON n.id = c.node_id
JOIN ccm.queue AS q ON q.id = c.queue_id
WHERE c.id = ANY ($1::uuid[])
