-- Take the oldest command that waits for node $1, for its leader of term $2 and nobody else
UPDATE ccm.command AS c
SET state = 'taken', taken_at = now(), term = $2
WHERE c.id = (
    SELECT w.id
    FROM ccm.command AS w
    JOIN ccm.node AS n ON n.id = w.node_id
    JOIN ccm.leadership AS l ON l.node_id = n.id AND l.term = $2
    WHERE n.name = $1 AND w.state = 'waiting' AND w.expires_at > now()
    ORDER BY w.id
    LIMIT 1
    FOR UPDATE OF w SKIP LOCKED
)
RETURNING c.id, c.kind, c.arguments
