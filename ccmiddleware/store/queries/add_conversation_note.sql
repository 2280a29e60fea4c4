-- A note $1 in conversation $2: $3 item or null, $4 agent or null, $5 author, $6 when, $7 text; once
INSERT INTO ccm.conversation_note (id, conversation_id, item_id, agent_id, author, written_at, text)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (id) DO NOTHING
