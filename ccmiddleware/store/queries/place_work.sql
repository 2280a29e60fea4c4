-- Write down that the leader of node $1 in term $2, and nobody else, puts the item $3 into its queue:
-- $4 attempt, $5 ordinal, $6 now, $7 not to be begun after, $8 place, $9 priority in the queue
WITH taken AS (
    UPDATE ccm.work_item AS w
    SET state = 'queued', reason = ''
    FROM ccm.node AS n
    JOIN ccm.leadership AS l ON l.node_id = n.id AND l.term = $2
    WHERE n.name = $1 AND w.node_id = n.id AND w.id = $3 AND w.state = 'waiting' AND NOT w.asleep
        AND NOT EXISTS (SELECT FROM ccm.work_placement AS p WHERE p.item_id = w.id AND p.ended_at IS NULL)
    RETURNING w.id
)
INSERT INTO ccm.work_placement (attempt, item_id, ordinal, term, placed_at, valid_until, place, priority)
SELECT $4, t.id, $5, $2, $6, $7, $8, $9 FROM taken AS t
