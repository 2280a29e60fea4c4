-- Leads with the id $1, the external id $2 or the number $3; of campaign $4, or of any when that is null
SELECT l.id, c.name AS campaign, l.external_id, l.name
FROM ccm.lead AS l
JOIN ccm.campaign AS c ON c.id = l.campaign_id
WHERE ($4::text IS NULL OR c.name = $4)
  AND (l.id = $1 OR (l.external_id = $2 AND l.external_id <> '')
       OR l.id IN (SELECT n.lead_id FROM ccm.lead_number AS n WHERE n.number = $3))
ORDER BY l.id
LIMIT 13
