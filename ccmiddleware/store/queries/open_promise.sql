-- The open promise of lead $1, and whether a call is on that is to keep it
SELECT c.id, c.promised_at,
    EXISTS (SELECT FROM ccm.attempt AS a WHERE a.lead_id = c.lead_id AND a.ended_at IS NULL AND a.callback_id = c.id) AS under_way
FROM ccm.lead_callback AS c
WHERE c.lead_id = $1 AND c.closed_at IS NULL
