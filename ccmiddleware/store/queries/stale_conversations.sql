-- Conversations of node $1 whose clocks are to be written anew, held for it: $2 at most, the oldest first
SELECT c.id
FROM ccm.node AS n
JOIN ccm.conversation AS c ON c.node_id = n.id AND c.times_stale
WHERE n.name = $1
ORDER BY c.id
LIMIT $2
FOR UPDATE OF c SKIP LOCKED
