-- The calls that were to keep promise $1 of lead $2
SELECT a.id, a.ordinal, a.claimed_at, a.number, a.result, a.ended_at, a.interface, a.note
FROM ccm.attempt AS a WHERE a.lead_id = $2 AND a.callback_id = $1 ORDER BY a.id
