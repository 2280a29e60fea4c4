-- Conversations, last changed first: $1 node, $2 queue, $3 address that takes part, $4 contact, or null; $5 also closed
-- ones; $6 how many at most
SELECT v.id, v.number, n.name AS node, q.name AS queue, v.state, v.subject, v.opened_at, v.changed_at, v.closed_at,
    coalesce(w.contacts, '{}') AS contacts, w.participants, e.emails, e.calls
FROM ccm.conversation AS v
JOIN ccm.queue AS q ON q.id = v.queue_id
JOIN ccm.node AS n ON n.id = v.node_id
CROSS JOIN LATERAL (
    SELECT array_agg(p.address ORDER BY p.since, p.address) AS participants,
        array_agg(DISTINCT c.name) FILTER (WHERE c.id IS NOT NULL) AS contacts,
        array_agg(c.id) FILTER (WHERE c.id IS NOT NULL) AS contact_ids
    FROM ccm.conversation_participant AS p
    LEFT JOIN ccm.contact_address AS a ON a.kind = 'email' AND a.address = p.address
    LEFT JOIN ccm.contact AS c ON c.id = a.contact_id
    WHERE p.conversation_id = v.id
) AS w
CROSS JOIN LATERAL (
    SELECT (SELECT count(*) FROM ccm.email AS m WHERE m.conversation_id = v.id) AS emails,
        (SELECT count(*) FROM ccm.conversation_interaction AS l
         WHERE l.conversation_id = v.id AND l.unlinked_at IS NULL) AS calls
) AS e
WHERE ($1::text IS NULL OR n.name = $1)
    AND ($2::text IS NULL OR q.name = $2)
    AND ($3::text IS NULL OR lower($3) = ANY (w.participants))
    AND ($4::uuid IS NULL OR $4 = ANY (w.contact_ids))
    AND ($5 OR v.state <> 'closed')
ORDER BY v.changed_at DESC, v.id
LIMIT $6
