-- Leads of campaign $1 behind id $2, with their numbers in order; at most $3
SELECT l.id, l.external_id, l.name, l.priority, l.zone, l.postal_code, l.subdivision, l.country, l.consent, l.custom,
       l.state AS lead_state, l.attempts, l.last_result, l.next_at,
       array(SELECT n.number FROM ccm.lead_number AS n WHERE n.lead_id = l.id ORDER BY n.ordinal) AS numbers
FROM ccm.lead AS l
WHERE l.campaign_id = $1 AND l.id > $2
ORDER BY l.id
LIMIT $3
