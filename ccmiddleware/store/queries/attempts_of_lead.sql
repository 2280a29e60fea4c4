-- What was tried on lead $1, with its numbers, and the place of attempt $2's number
SELECT
    (SELECT jsonb_agg(jsonb_build_object(
        'number', n.number,
        'usable', NOT ccm.forbidden_number(n.number, l.campaign_id, $3)) ORDER BY n.ordinal)
    FROM ccm.lead_number AS n WHERE n.lead_id = l.id) AS numbers,
    (SELECT jsonb_agg(jsonb_build_object(
        'id', a.id, 'at', a.claimed_at, 'number', a.number, 'result', a.result, 'cause', a.cause) ORDER BY a.id)
    FROM ccm.attempt AS a WHERE a.lead_id = l.id AND (a.ended_at IS NOT NULL OR a.id = $2)) AS attempts,
    (SELECT jsonb_object_agg(n.number, jsonb_build_object('country', p.country, 'zones', p.zones, 'states', p.states))
    FROM ccm.lead_number AS n JOIN ccm.place AS p ON p.id = n.place_id WHERE n.lead_id = l.id) AS places
FROM ccm.lead AS l
WHERE l.id = $1
