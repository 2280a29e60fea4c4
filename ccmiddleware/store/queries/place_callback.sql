-- Write down that the leader of node $1 in term $2, and nobody else, puts the callback $3 into its queue:
-- $4 attempt, $5 ordinal, $6 now, $7 not to be begun after, $8 place
WITH taken AS (
    UPDATE ccm.callback AS c
    SET state = 'queued', reason = ''
    FROM ccm.node AS n
    JOIN ccm.leadership AS l ON l.node_id = n.id AND l.term = $2
    WHERE n.name = $1 AND c.node_id = n.id AND c.id = $3 AND c.state = 'waiting'
        AND c.cancel_asked_by IS NULL
        AND NOT EXISTS (
            SELECT FROM ccm.callback_attempt AS a WHERE a.callback_id = c.id AND a.ended_at IS NULL)
    RETURNING c.id
)
INSERT INTO ccm.callback_attempt (attempt, callback_id, ordinal, term, placed_at, valid_until, place)
SELECT $4, t.id, $5, $2, $6, $7, $8 FROM taken AS t
