-- The clocks of the conversations $1 are written: their items know when they are due
WITH fresh AS (
    UPDATE ccm.conversation SET times_stale = false WHERE id = ANY ($1::uuid[])
)
UPDATE ccm.work_item AS w
SET due_at = d.due_at
FROM unnest($1::uuid[]) AS c (id)
CROSS JOIN LATERAL (
    SELECT min(k.due_at) AS due_at FROM ccm.service_clock AS k WHERE k.conversation_id = c.id AND k.ended_at IS NULL
) AS d
WHERE w.conversation_id = c.id AND w.state <> 'done' AND w.due_at IS DISTINCT FROM d.due_at
