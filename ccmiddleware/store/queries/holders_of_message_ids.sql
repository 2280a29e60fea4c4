-- The conversations with a message of one of the ids $1, which came in or was sent; newest first
SELECT h.message_id, h.conversation_id
FROM (
    SELECT e.message_id, e.conversation_id, max(e.at) AS at
    FROM ccm.email AS e
    WHERE e.message_id = ANY ($1::text[]) AND e.message_id <> ''
    GROUP BY e.message_id, e.conversation_id
    UNION ALL
    SELECT o.message_id, o.conversation_id, o.put_at
    FROM ccm.outbox AS o
    WHERE o.message_id = ANY ($1::text[]) AND o.conversation_id IS NOT NULL
) AS h
ORDER BY h.at DESC, h.conversation_id
