-- What was tried on lead $1, with its numbers, the promise that attempt $2 was to keep, and the places of its numbers; $3 now
SELECT
    (SELECT jsonb_agg(jsonb_build_object(
        'number', n.number,
        'usable', NOT ccm.forbidden_number(n.number, l.campaign_id, $3)) ORDER BY n.ordinal)
    FROM ccm.lead_number AS n WHERE n.lead_id = l.id) AS numbers,
    (SELECT jsonb_agg(jsonb_build_object(
        'id', a.id, 'at', a.claimed_at, 'number', a.number, 'result', a.result, 'cause', a.cause,
        'callback', a.callback_id) ORDER BY a.id)
    FROM ccm.attempt AS a WHERE a.lead_id = l.id AND (a.ended_at IS NOT NULL OR a.id = $2)) AS attempts,
    (SELECT jsonb_object_agg(n.number, jsonb_build_object('country', p.country, 'zones', p.zones, 'states', p.states))
    FROM ccm.lead_number AS n JOIN ccm.place AS p ON p.id = n.place_id WHERE n.lead_id = l.id) AS places,
    (SELECT jsonb_build_object('id', c.id, 'at', c.promised_at, 'number', n.number, 'made_at', coalesce(c.moved_at, c.made_at))
    FROM ccm.attempt AS a
    JOIN ccm.lead_callback AS c ON c.id = a.callback_id
    JOIN ccm.lead_number AS n ON n.lead_id = c.lead_id AND n.ordinal = c.number_ordinal
    WHERE a.id = $2) AS promise
FROM ccm.lead AS l
WHERE l.id = $1
