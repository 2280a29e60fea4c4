-- Callbacks of node $1 that are not over, with the attempt that may stand and what was told of it
SELECT c.id, q.name AS queue, c.number, c.asked_at, c.joined_at, c.priority, c.state, c.attempts, c.fruitless,
    c.next_attempt_at, c.cancel_asked_by, t.last_ordinal, t.dialled, a.attempt, a.placed_at, a.valid_until,
    ARRAY (SELECT s.step FROM ccm.callback_step AS s WHERE s.attempt = a.attempt ORDER BY s.at, s.step) AS steps,
    EXISTS (
        SELECT FROM ccm.queue_log_row AS r
        WHERE r.node_id = n.id AND r.call = a.attempt || ';2' AND r.event = 'CCMCALLBACKSTEP') AS witnessed
FROM ccm.node AS n
JOIN ccm.callback AS c ON c.node_id = n.id AND c.state IN ('waiting', 'queued')
JOIN ccm.queue AS q ON q.id = c.queue_id
LEFT JOIN ccm.callback_attempt AS a ON a.callback_id = c.id AND a.ended_at IS NULL
CROSS JOIN LATERAL (
    SELECT coalesce(max(e.ordinal), 0) AS last_ordinal,
        count(*) FILTER (WHERE e.outcome IN
            ('answered', 'not_answered', 'busy', 'unreachable', 'lost', 'agent_gone')) AS dialled
    FROM ccm.callback_attempt AS e
    WHERE e.callback_id = c.id
) AS t
WHERE n.name = $1
ORDER BY c.joined_at, c.id
