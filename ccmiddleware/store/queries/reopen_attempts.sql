-- Of attempts $1 something was told after their end was concluded: they are open again, and their leads called, but for those that were called again or settled since
WITH reopened AS (
    UPDATE ccm.attempt SET ended_at = NULL, result = NULL, inferred = false, note = ''
    WHERE id = ANY ($1::uuid[]) AND inferred AND ended_at IS NOT NULL
    RETURNING id, lead_id
)
UPDATE ccm.lead AS l SET state = 'claimed'
FROM reopened AS r
WHERE l.id = r.lead_id AND l.state IN ('ready', 'waiting', 'done')
    AND NOT EXISTS (SELECT FROM ccm.attempt AS a WHERE a.lead_id = l.id AND a.id > r.id)
    AND NOT EXISTS (SELECT FROM ccm.lead_disposition AS d WHERE d.attempt_id = r.id)
