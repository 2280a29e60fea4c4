-- Addresses and numbers of contact $1
SELECT kind, address, linked_how, linked_by, linked_at
FROM ccm.contact_address
WHERE contact_id = $1
ORDER BY kind, address
