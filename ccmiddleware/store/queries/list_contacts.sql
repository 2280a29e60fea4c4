-- Contacts by name: $1 part of the name or of an address, or null; $2 only those with open conversations; $3 how many
SELECT c.id, c.name, c.note, c.made_at, c.made_by,
    coalesce(a.emails, '{}') AS emails, coalesce(a.phones, '{}') AS phones, o.open_conversations
FROM ccm.contact AS c
LEFT JOIN LATERAL (
    SELECT array_agg(a.address ORDER BY a.address) FILTER (WHERE a.kind = 'email') AS emails,
        array_agg(a.address ORDER BY a.address) FILTER (WHERE a.kind = 'phone') AS phones
    FROM ccm.contact_address AS a
    WHERE a.contact_id = c.id
) AS a ON true
CROSS JOIN LATERAL (
    SELECT count(DISTINCT v.id) AS open_conversations
    FROM ccm.contact_address AS a
    JOIN ccm.conversation_participant AS p ON p.address = a.address
    JOIN ccm.conversation AS v ON v.id = p.conversation_id AND v.state <> 'closed'
    WHERE a.contact_id = c.id AND a.kind = 'email'
) AS o
WHERE c.merged_into IS NULL AND c.deleted_at IS NULL
    AND ($1::text IS NULL OR strpos(lower(c.name), lower($1)) > 0 OR EXISTS (
        SELECT FROM ccm.contact_address AS a
        WHERE a.contact_id = c.id AND strpos(a.address, lower($1)) > 0))
    AND (NOT $2 OR o.open_conversations > 0)
ORDER BY lower(c.name), c.id
LIMIT $3
