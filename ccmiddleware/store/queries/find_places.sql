-- Places $1 (country, zones, states) with their ids
SELECT p.id, p.country, p.zones, p.states
FROM jsonb_to_recordset($1::jsonb) AS f (country text, zones text[], states text[])
JOIN ccm.place AS p ON p.country = f.country AND p.zones = f.zones AND p.states = f.states
