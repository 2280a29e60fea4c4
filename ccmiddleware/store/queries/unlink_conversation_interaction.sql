-- Interaction $2 does not belong to conversation $1 after all, says $3
UPDATE ccm.conversation_interaction
SET unlinked_at = now(), unlinked_by = $3
WHERE conversation_id = $1 AND interaction_id = $2 AND unlinked_at IS NULL
