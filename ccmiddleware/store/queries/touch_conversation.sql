-- An email that asks for nothing, such as an automatic answer, joins conversation $1 at $2
UPDATE ccm.conversation SET changed_at = greatest(changed_at, $2) WHERE id = $1
