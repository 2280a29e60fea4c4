-- The conversations with a message of one of the ids $1, which came in or was sent; newest first
SELECT w.message_id, h.conversation_id
FROM (SELECT DISTINCT unnest($1::text[]) AS message_id) AS w
-- One id after the other: a plan for all of them at once reads the whole table, if it was made while that was small.
CROSS JOIN LATERAL (
    SELECT e.conversation_id, max(e.at) AS at
    FROM ccm.email AS e
    WHERE e.message_id = w.message_id AND e.message_id <> ''
    GROUP BY e.conversation_id
    UNION ALL
    SELECT o.conversation_id, o.put_at
    FROM ccm.outbox AS o
    WHERE o.message_id = w.message_id AND o.conversation_id IS NOT NULL
) AS h
ORDER BY h.at DESC, h.conversation_id
