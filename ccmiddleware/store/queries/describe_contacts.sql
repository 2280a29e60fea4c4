-- Other names and notes of contacts: $1 id, name, note
UPDATE ccm.contact AS c
SET name = f.name, note = f.note
FROM jsonb_to_recordset($1::jsonb) AS f (id uuid, name text, note text)
WHERE c.id = f.id
