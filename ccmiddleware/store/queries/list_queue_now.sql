-- Queues at this moment, for live tables. $1 node or null, $2 queue or null.
SELECT *
FROM report.queue_now
WHERE ($1::text IS NULL OR node = $1) AND ($2::text IS NULL OR queue = $2)
ORDER BY node, queue
