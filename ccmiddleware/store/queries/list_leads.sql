-- Leads: $1 campaign or null, $2 state or null, $3 number or null, $4 last result or null; at most $5
SELECT l.id, c.name AS campaign, l.external_id, l.name, n.number, n.kind, p.country, p.zones, p.states, l.state,
       l.next_at, l.attempts, l.last_result, l.priority,
       (SELECT count(*) FROM ccm.lead_number AS m WHERE m.lead_id = l.id) AS numbers
FROM ccm.lead AS l
JOIN ccm.campaign AS c ON c.id = l.campaign_id
LEFT JOIN ccm.lead_number AS n ON n.lead_id = l.id AND n.ordinal = l.next_number
JOIN ccm.place AS p ON p.id = l.place_id
WHERE ($1::uuid IS NULL OR l.campaign_id = $1)
  AND ($2::text IS NULL OR l.state = $2)
  AND ($3::text IS NULL OR l.id IN (SELECT m.lead_id FROM ccm.lead_number AS m WHERE m.number = $3))
  AND ($4::text IS NULL OR l.last_result = $4)
ORDER BY l.id
LIMIT $5
