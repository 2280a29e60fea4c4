-- All numbers of contacts that a rule could write in another way
SELECT a.address, a.contact_id, c.name
FROM ccm.contact_address AS a
JOIN ccm.contact AS c ON c.id = a.contact_id
WHERE a.kind = 'phone'
ORDER BY a.address
