-- Name and next number of lead $1, if it may be offered to an agent at $2
SELECT l.name, n.number
FROM ccm.lead AS l
JOIN ccm.lead_number AS n ON n.lead_id = l.id AND n.ordinal = l.next_number
WHERE l.id = $1 AND l.state IN ('new', 'ready') AND l.next_at <= $2
