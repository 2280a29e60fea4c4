-- Asterisk took the order to dial attempt $1 at $2
UPDATE ccm.attempt SET dialed_at = $2 WHERE id = $1 AND dialed_at IS NULL
