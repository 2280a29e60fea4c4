-- Notes in the conversation $1, oldest first
SELECT n.id, n.item_id, n.author, a.interface, n.written_at, n.text
FROM ccm.conversation_note AS n
LEFT JOIN ccm.agent AS a ON a.id = n.agent_id
WHERE n.conversation_id = $1
ORDER BY n.written_at, n.id
