-- Of attempts $1 something was told after their end was concluded: they are open again
UPDATE ccm.attempt SET ended_at = NULL, result = NULL, inferred = false, note = ''
WHERE id = ANY ($1::uuid[]) AND inferred AND ended_at IS NOT NULL
