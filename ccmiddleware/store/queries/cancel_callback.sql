-- Have the callback $1 cancelled by $2: at once, or by the leader when its placeholder stands. Not once the
-- customer is being called
UPDATE ccm.callback AS c
SET cancel_asked_by = $2,
    state = CASE c.state WHEN 'waiting' THEN 'cancelled' ELSE c.state END,
    reason = 'cancelled by ' || $2,
    done_at = CASE c.state WHEN 'waiting' THEN now() END
WHERE c.id = $1 AND c.state IN ('waiting', 'queued')
    AND NOT EXISTS (
        SELECT FROM ccm.callback_attempt AS a
        JOIN ccm.callback_step AS s ON s.attempt = a.attempt AND s.step = 'dial'
        WHERE a.callback_id = c.id AND a.ended_at IS NULL)
RETURNING c.state
