-- The history of one interaction, in order. $1 id.
SELECT key, kind, at, inferred, data
FROM ccm.interaction_event
WHERE interaction_id = $1
ORDER BY at, key
