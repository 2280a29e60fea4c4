-- Leads with the id $1, the external id $2 or the number $3; of campaign $4, or of any when that is null
SELECT l.id, c.name AS campaign, l.external_id, l.name
FROM (
    SELECT i.id FROM ccm.lead AS i WHERE i.id = $1
    UNION
    SELECT n.lead_id FROM ccm.lead_number AS n WHERE n.number = $3
    UNION
    SELECT e.id
    FROM ccm.campaign AS o
    JOIN ccm.lead AS e ON e.campaign_id = o.id AND e.external_id = $2 AND e.external_id <> ''
) AS f
JOIN ccm.lead AS l ON l.id = f.id
JOIN ccm.campaign AS c ON c.id = l.campaign_id
WHERE $4::text IS NULL OR c.name = $4
ORDER BY l.id
LIMIT 13
