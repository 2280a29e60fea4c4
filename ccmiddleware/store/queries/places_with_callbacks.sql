-- Places of promised callbacks of campaign $1 that are due at $2
SELECT DISTINCT p.id, p.country, p.zones, p.states
FROM ccm.lead_callback AS c
JOIN ccm.lead_number AS n ON n.lead_id = c.lead_id AND n.ordinal = c.number_ordinal
JOIN ccm.place AS p ON p.id = n.place_id
WHERE c.campaign_id = $1 AND c.closed_at IS NULL AND c.due_at <= $2
