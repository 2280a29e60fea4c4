-- What happened to the conversations $1 that their clocks depend on; of what is at the same time an answer before a closing
SELECT c.id, q.id AS queue_id, q.name AS queue, c.state, e.events
FROM ccm.conversation AS c
JOIN ccm.queue AS q ON q.id = c.queue_id
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_build_object('at', h.at, 'what', h.what) ORDER BY h.at, h.rank, h.ordinal), '[]') AS events
    FROM (
        SELECT m.at, CASE m.direction WHEN 'inbound' THEN 'asked' ELSE 'answered' END AS what, 1 AS rank, 0 AS ordinal
        FROM ccm.email AS m
        WHERE m.conversation_id = c.id AND m.automatic = ''
            -- What nobody has, or will have, answers nothing.
            AND NOT EXISTS (
                SELECT FROM ccm.outbox AS o
                WHERE o.id = m.id AND m.direction = 'outbound' AND NOT EXISTS (
                    SELECT FROM ccm.outbox_recipient AS r
                    WHERE r.outbox_id = o.id AND r.state IN ('pending', 'sent') AND r.delivery IS DISTINCT FROM 'failed'))
        UNION ALL
        SELECT s.at, CASE s.state WHEN 'closed' THEN 'closed' WHEN 'waiting' THEN 'waits' ELSE 'resumed' END, 2, s.ordinal
        FROM ccm.conversation_state AS s
        WHERE s.conversation_id = c.id
    ) AS h
) AS e
WHERE c.id = ANY ($1::uuid[])
