-- Places $1 (country, zones, states) that are not there yet
INSERT INTO ccm.place (country, zones, states)
SELECT f.country, f.zones, f.states
FROM jsonb_to_recordset($1::jsonb) AS f (country text, zones text[], states text[])
ON CONFLICT (country, zones, states) DO NOTHING
