-- Add a code, or change it and have it back: $1 code, $2 label, $3 keypad digits or null, $4 no more calls
INSERT INTO ccm.disposition_code (code, label, keypad, no_more_calls) VALUES ($1, $2, $3, $4)
ON CONFLICT (code) DO UPDATE SET
    label = EXCLUDED.label, keypad = EXCLUDED.keypad, no_more_calls = EXCLUDED.no_more_calls, active = true, changed_at = now()
