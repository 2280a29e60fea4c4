-- An email joins conversation $1 at $2: something is to be done again
UPDATE ccm.conversation
SET state = 'open', closed_at = NULL, changed_at = greatest(changed_at, $2)
WHERE id = $1
