-- Agents at this moment, for live tables. $1 node or null, $2 queue or null.
SELECT *
FROM report.agent_now
WHERE ($1::text IS NULL OR node = $1) AND ($2::text IS NULL OR $2 = ANY (queues))
ORDER BY node, agent, interface
