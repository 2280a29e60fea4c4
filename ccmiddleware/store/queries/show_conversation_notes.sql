-- The notes of conversation $1, in order
SELECT o.id, o.written_at AS at, o.author, o.text
FROM ccm.conversation_note AS o
WHERE o.conversation_id = $1
ORDER BY o.written_at, o.id
