-- The leader of node $1 in term $2 takes up what earlier leaders had under way, and what it claimed itself without hearing of
-- it: all but $5. $3 the state for what was being spoken, $4 the reason
UPDATE ccm.outbox AS o
SET state = CASE WHEN o.state = 'claimed' THEN 'queued' ELSE $3 END,
    reason = CASE WHEN o.state = 'claimed' THEN o.reason ELSE $4 END
FROM ccm.node AS n
JOIN ccm.leadership AS l ON l.node_id = n.id AND l.term = $2
WHERE n.name = $1 AND o.node_id = n.id AND o.state IN ('claimed', 'speaking')
    AND (o.term < $2 OR (o.term = $2 AND o.id <> ALL ($5::uuid[])))
RETURNING o.id, o.state
