-- Addresses are nobody's any more: $1 contact_id, kind, address
DELETE FROM ccm.contact_address AS a
USING jsonb_to_recordset($1::jsonb) AS f (contact_id uuid, kind text, address text)
WHERE a.kind = f.kind AND a.address = f.address AND a.contact_id = f.contact_id
