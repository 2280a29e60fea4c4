-- Say what came of the attempt $3, for the leader of node $1 in term $2: $4 outcome, $5 now; of its callback:
-- $6 state, $7 reason, $8 next attempt, $9 customer calls so far, $10 fruitless attempts
WITH ended AS (
    UPDATE ccm.callback_attempt AS a
    SET ended_at = $5, outcome = $4
    FROM ccm.node AS n
    JOIN ccm.leadership AS l ON l.node_id = n.id AND l.term = $2
    WHERE n.name = $1 AND a.attempt = $3 AND a.ended_at IS NULL
    RETURNING a.callback_id
)
UPDATE ccm.callback AS c
SET state = $6, reason = $7, next_attempt_at = $8, attempts = $9, fruitless = $10,
    done_at = CASE WHEN $6 = 'waiting' THEN NULL ELSE $5::timestamptz END
FROM ended AS e
WHERE c.id = e.callback_id AND c.state = 'queued'
