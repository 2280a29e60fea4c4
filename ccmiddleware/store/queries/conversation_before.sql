-- Emails of conversation $1 other than $2 that are not later than $3, newest first: $4 at most
SELECT e.id, e.at, e.direction, e.from_address, e.subject, left(e.body, 300) AS body, e.automatic
FROM ccm.email AS e
WHERE e.conversation_id = $1 AND e.id <> $2 AND e.at <= $3
ORDER BY e.at DESC, e.id DESC
LIMIT $4
