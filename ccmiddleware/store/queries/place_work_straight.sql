-- Write down that the leader of node $1 in term $2, and nobody else, has the phone of agent $8 rung for the item $3:
-- $4 attempt, $5 ordinal, $6 now, $7 not to be begun after
WITH taken AS (
    UPDATE ccm.work_item AS w
    SET state = 'queued', reason = ''
    FROM ccm.node AS n
    JOIN ccm.leadership AS l ON l.node_id = n.id AND l.term = $2
    WHERE n.name = $1 AND w.node_id = n.id AND w.id = $3 AND w.state = 'waiting' AND NOT w.asleep
        AND NOT EXISTS (SELECT FROM ccm.work_placement AS p WHERE p.item_id = w.id AND p.ended_at IS NULL)
    RETURNING w.id, w.node_id
)
INSERT INTO ccm.work_placement (attempt, item_id, ordinal, term, placed_at, valid_until, place, agent_id)
SELECT $4, t.id, $5, $2, $6, $7, 0, a.id
FROM taken AS t
JOIN ccm.agent AS a ON a.node_id = t.node_id AND a.interface = $8
