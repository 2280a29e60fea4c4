-- Who takes part in conversation $1, and whose addresses those are
SELECT p.address, p.since, a.contact_id, c.name AS contact
FROM ccm.conversation_participant AS p
LEFT JOIN ccm.contact_address AS a ON a.kind = 'email' AND a.address = p.address
LEFT JOIN ccm.contact AS c ON c.id = a.contact_id
WHERE p.conversation_id = $1
ORDER BY p.since, p.address
