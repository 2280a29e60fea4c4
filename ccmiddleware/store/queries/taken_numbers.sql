-- Which of the numbers $2 are those of leads: of campaign $1 (here), or of one that is not stopped (elsewhere)
SELECT n.number, bool_or(c.id = $1) AS here, min(c.name) FILTER (WHERE c.id <> $1) AS elsewhere
FROM ccm.lead_number AS n
JOIN ccm.lead AS l ON l.id = n.lead_id
JOIN ccm.campaign AS c ON c.id = l.campaign_id
WHERE n.number = ANY ($2::text[]) AND (c.id = $1 OR c.state <> 'stopped')
GROUP BY n.number
