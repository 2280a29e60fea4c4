-- History of interactions; what was told before is left as it is
INSERT INTO ccm.interaction_event (interaction_id, key, kind, at, inferred, data)
SELECT f.interaction_id, f.key, f.kind, f.at, f.inferred, f.data
FROM jsonb_to_recordset($1::jsonb) AS f
    (interaction_id uuid, key text, kind text, at timestamptz, inferred boolean, data jsonb)
ON CONFLICT (interaction_id, key) DO NOTHING
