-- The message $1 is released or dropped ($2), at $3, by $4; nothing when somebody has decided before
UPDATE ccm.email_quarantine SET state = $2, decided_at = $3, decided_by = $4
WHERE id = $1 AND state = 'held'
