-- New contacts by $2: $1 id, name, note
INSERT INTO ccm.contact (id, name, note, made_by)
SELECT f.id, f.name, f.note, $2
FROM jsonb_to_recordset($1::jsonb) AS f (id uuid, name text, note text)
