-- Priorities of queue $1, added or changed: $2 kind, number, priority, note
INSERT INTO ccm.queue_priority AS t (queue_id, kind, number, priority, note)
SELECT $1, f.kind, f.number, f.priority, f.note
FROM jsonb_to_recordset($2::jsonb) AS f (kind text, number text, priority integer, note text)
ON CONFLICT (queue_id, kind, number) DO UPDATE SET priority = EXCLUDED.priority, note = EXCLUDED.note
WHERE (t.priority, t.note) IS DISTINCT FROM (EXCLUDED.priority, EXCLUDED.note)
