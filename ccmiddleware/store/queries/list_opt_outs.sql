-- Requests for no more calls received in [$1, $2), newest first; from channel $3 or any, about number $4 or any; $5 only open ones,
-- $6 only those that were not, or are not yet, honoured in time, $7 how many at most
SELECT o.*
FROM report.opt_out AS o
WHERE o.received_at >= $1 AND o.received_at < $2
    AND ($3::text IS NULL OR o.channel = $3)
    AND ($4::text IS NULL OR o.asked = $4 OR o.numbers @> ARRAY [$4::text])
    AND (NOT $5 OR o.honoured_at IS NULL)
    AND (NOT $6 OR o.in_time IS FALSE)
ORDER BY o.received_at DESC, o.id DESC
LIMIT $7
