-- Promises for a time in [$1, $2), and open ones, the latest first; of campaign $3, number $4, state $5, agent $6, or any when
-- null; $7 only open ones, $8 only missed ones, $9 how many at most
SELECT c.*
FROM report.lead_callback AS c
WHERE (c.closed_at IS NULL OR NOT $7 AND c.promised_at >= $1 AND c.promised_at < $2)
    AND ($3::text IS NULL OR c.campaign = $3)
    AND ($4::text IS NULL OR c.number = $4)
    AND ($5::text IS NULL OR c.state = $5)
    AND ($6::text IS NULL OR c.agent = $6)
    AND (NOT $8 OR c.missed)
ORDER BY c.promised_at DESC, c.id
LIMIT $9
