-- Remove priorities of queue $1: $2 kind and number
DELETE FROM ccm.queue_priority AS p
USING jsonb_to_recordset($2::jsonb) AS f (kind text, number text)
WHERE p.queue_id = $1 AND p.kind = f.kind AND p.number = f.number
