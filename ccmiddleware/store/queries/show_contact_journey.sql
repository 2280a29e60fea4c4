-- What contact $1 did over all channels since $2, the newest $3
SELECT id, at, channel, direction, address, queue, agents, outcome, conversation_id, subject
FROM report.journey
WHERE contact_id = $1 AND at >= $2
ORDER BY at DESC, id
LIMIT $3
