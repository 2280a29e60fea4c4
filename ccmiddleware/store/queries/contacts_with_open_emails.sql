-- The numbers, in every form, of contacts with conversations that are not closed, and how many those are; the $1 newest
SELECT f.number, o.emails
FROM (
    SELECT e.contact_id, count(DISTINCT v.id) AS emails, max(v.changed_at) AS changed_at
    FROM ccm.conversation AS v
    JOIN ccm.conversation_participant AS p ON p.conversation_id = v.id
    JOIN ccm.contact_address AS e ON e.kind = 'email' AND e.address = p.address
    WHERE v.state <> 'closed'
    GROUP BY e.contact_id
) AS o
JOIN ccm.contact_address AS a ON a.contact_id = o.contact_id AND a.kind = 'phone'
CROSS JOIN LATERAL ccm.forms_of_number(a.address) AS f (number)
WHERE (SELECT s.show_on_phone FROM ccm.contact_setting AS s)
ORDER BY o.changed_at DESC, f.number
LIMIT $1
