-- The addresses $2, in lower case, take part in conversation $1 since $3
INSERT INTO ccm.conversation_participant (conversation_id, address, since)
SELECT $1, a, $3 FROM unnest($2::text[]) AS a
ON CONFLICT (conversation_id, address) DO NOTHING
