-- Contacts with an id from $1 to $2, or with the name $3
SELECT id, name, merged_into
FROM ccm.contact
WHERE id BETWEEN $1::uuid AND $2::uuid OR (lower(name) = lower($3) AND merged_into IS NULL AND deleted_at IS NULL)
ORDER BY id
LIMIT 4
