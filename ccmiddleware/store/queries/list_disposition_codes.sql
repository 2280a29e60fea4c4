-- Codes that may be given, and with $1 those that were removed as well
SELECT code, label, keypad, no_more_calls, active, changed_at FROM ccm.disposition_code
WHERE active OR $1::boolean
ORDER BY code
