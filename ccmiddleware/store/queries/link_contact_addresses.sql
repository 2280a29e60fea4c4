-- Addresses become contacts', in way $2 by $3: $1 contact_id, kind, address
INSERT INTO ccm.contact_address (kind, address, contact_id, linked_how, linked_by)
SELECT f.kind, f.address, f.contact_id, $2, $3
FROM jsonb_to_recordset($1::jsonb) AS f (contact_id uuid, kind text, address text)
