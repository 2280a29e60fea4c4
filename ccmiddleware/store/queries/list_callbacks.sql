-- Callbacks asked for in [$1, $2) or open, newest first. $3 node, $4 queue, $5 number, $6 state, or null; $7 only
-- open ones; $8 how many at most; $9 only those that were not kept on time
SELECT c.*
FROM report.callback AS c
WHERE (c.state IN ('waiting', 'queued', 'calling', 'talking') OR NOT $7 AND c.asked_at >= $1 AND c.asked_at < $2)
    AND ($3::text IS NULL OR c.node = $3)
    AND ($4::text IS NULL OR c.queue = $4)
    AND ($5::text IS NULL OR c.number = $5)
    AND ($6::text IS NULL OR c.state = $6)
    AND (NOT $9 OR c.kept_on_time IS FALSE)
ORDER BY c.asked_at DESC, c.id
LIMIT $8
