-- Message-IDs of what the agent $2 was sent of conversation $1, oldest first
SELECT o.message_id
FROM ccm.outbox AS o
JOIN ccm.email_relay AS p ON p.outbox_id = o.id
WHERE o.conversation_id = $1 AND p.agent_id = $2
ORDER BY o.put_at, o.id
