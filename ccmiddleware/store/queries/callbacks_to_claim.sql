-- The first $6 promised callbacks of campaign $1 that are due at $2 in places $3, for which one of the agents with interfaces
-- $4 would do; a personal one for anybody once its time is over if $5
SELECT c.id AS callback, c.lead_id AS lead, n.place_id, n.number, l.name, coalesce(a.interface, '') AS agent,
    a.id IS NULL OR $5 AND c.due_at + (c.late_from - c.promised_at) < $2 AS anybody
FROM ccm.lead_callback AS c
JOIN ccm.lead AS l ON l.id = c.lead_id AND l.state = 'promised'
JOIN ccm.lead_number AS n ON n.lead_id = c.lead_id AND n.ordinal = c.number_ordinal
LEFT JOIN ccm.agent AS a ON a.id = c.agent_id
WHERE c.campaign_id = $1 AND c.closed_at IS NULL AND c.due_at <= $2 AND n.place_id = ANY ($3::integer[])
    AND (a.id IS NULL OR a.interface = ANY ($4::text[]) OR $5 AND c.due_at + (c.late_from - c.promised_at) < $2)
ORDER BY c.due_at, c.id
LIMIT $6
