-- Attempts with their permits, of campaign $1 or to number $2 (or both), claimed from $3 to before $4, behind $5; at most $6
SELECT * FROM report.attempt
WHERE ($1::text IS NULL OR campaign = $1) AND ($2::text IS NULL OR number = $2)
    AND claimed_at >= $3 AND claimed_at < $4 AND id > $5
ORDER BY id
LIMIT $6
