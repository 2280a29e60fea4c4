-- Add a code, or change it and have it back: $1 code, $2 label, $3 keypad digits or null
INSERT INTO ccm.disposition_code (code, label, keypad) VALUES ($1, $2, $3)
ON CONFLICT (code) DO UPDATE SET
    label = EXCLUDED.label, keypad = EXCLUDED.keypad, active = true, changed_at = now()
