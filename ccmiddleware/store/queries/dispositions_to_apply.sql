-- Codes that agents gave about calls of node $1's campaigns since $2, whose attempts are over and of which nothing came yet
SELECT d.id AS disposition, d.code, d.given_at, a.id AS attempt, a.lead_id, a.number,
       c.id AS campaign_id, c.name AS campaign, c.settings
FROM ccm.disposition AS d
JOIN ccm.interaction AS i ON i.id = d.interaction_id
JOIN ccm.attempt AS a ON a.id = ccm.attempt_of(i.linkedid)
JOIN ccm.campaign AS c ON c.id = a.campaign_id
WHERE d.given_at > $2 AND c.node = $1 AND a.ended_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM ccm.lead_disposition AS l WHERE l.disposition_id = d.id)
ORDER BY d.given_at, d.id
LIMIT 500
