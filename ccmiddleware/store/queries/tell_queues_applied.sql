-- Which revisions of queues are in Asterisk, by the leader of node $1 in term $2: $3 queue, revision, error
INSERT INTO ccm.queue_applied AS t (queue_id, revision, applied_at, error, told_at)
SELECT q.id, f.revision, CASE WHEN f.error = '' THEN now() END, f.error, now()
FROM jsonb_to_recordset($3::jsonb) AS f (queue text, revision bigint, error text)
JOIN ccm.node AS n ON n.name = $1
JOIN ccm.leadership AS l ON l.node_id = n.id AND l.term = $2
JOIN ccm.queue AS q ON q.node_id = n.id AND q.name = f.queue
ON CONFLICT (queue_id) DO UPDATE SET
    revision = EXCLUDED.revision,
    applied_at = EXCLUDED.applied_at,
    error = EXCLUDED.error,
    told_at = EXCLUDED.told_at
WHERE (t.revision, t.error) IS DISTINCT FROM (EXCLUDED.revision, EXCLUDED.error)
