-- History of contacts of [$1, $2), newest first: $3 a contact or null; $4 how many
SELECT h.id, h.changed_at, h.changed_by, h.how, h.contact_id, c.name, h.what, h.before, h.after
FROM ccm.contact_change AS h
LEFT JOIN ccm.contact AS c ON c.id = h.contact_id
WHERE h.changed_at >= $1 AND h.changed_at < $2 AND ($3::uuid IS NULL OR h.contact_id = $3)
ORDER BY h.id DESC
LIMIT $4
