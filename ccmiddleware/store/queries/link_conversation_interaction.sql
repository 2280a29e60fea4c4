-- Interaction $2 belongs to conversation $1, says $3
INSERT INTO ccm.conversation_interaction (conversation_id, interaction_id, linked_by)
VALUES ($1, $2, $3)
ON CONFLICT (conversation_id, interaction_id) WHERE unlinked_at IS NULL DO NOTHING
