-- The message $1 goes to quarantine at $6: $2 kind, $3 reason, $4 sender, $5 subject
INSERT INTO ccm.email_quarantine (id, kind, reason, sender, subject, held_at)
VALUES ($1, $2, $3, $4, $5, $6)
