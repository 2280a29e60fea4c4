-- History of contacts, in way $2 by $3: $1 contact_id, what, before, after
INSERT INTO ccm.contact_change (contact_id, changed_by, how, what, before, after)
SELECT f.contact_id, $3, $2, f.what, f.before, f.after
FROM jsonb_to_recordset($1::jsonb) AS f (contact_id uuid, what text, before text, after text)
