-- Whose the addresses $2 of the kinds $1 are
SELECT a.kind, a.address, c.id, c.name, c.note
FROM unnest($1::text[], $2::text[]) AS f (kind, address)
JOIN ccm.contact_address AS a ON a.kind = f.kind AND a.address = f.address
JOIN ccm.contact AS c ON c.id = a.contact_id
