-- Clocks of conversations, as objects $1; what has ended keeps what was written when it did
INSERT INTO ccm.service_clock AS t (conversation_id, goal, ordinal, queue_id, began_at, ended_at, reached, seconds,
    business_seconds, counted_seconds, target_seconds, due_at, warn_at)
SELECT f.conversation_id, f.goal, f.ordinal, f.queue_id, f.began_at, f.ended_at, f.reached, f.seconds,
    f.business_seconds, f.counted_seconds, f.target_seconds, f.due_at, f.warn_at
FROM jsonb_to_recordset($1::jsonb) AS f
    (conversation_id uuid, goal text, ordinal integer, queue_id uuid, began_at timestamptz, ended_at timestamptz,
     reached boolean, seconds bigint, business_seconds bigint, counted_seconds bigint, target_seconds bigint,
     due_at timestamptz, warn_at timestamptz)
ON CONFLICT (conversation_id, goal, ordinal) DO UPDATE SET
    queue_id = EXCLUDED.queue_id,
    began_at = EXCLUDED.began_at,
    ended_at = EXCLUDED.ended_at,
    reached = EXCLUDED.reached,
    seconds = EXCLUDED.seconds,
    business_seconds = EXCLUDED.business_seconds,
    counted_seconds = EXCLUDED.counted_seconds,
    target_seconds = EXCLUDED.target_seconds,
    due_at = EXCLUDED.due_at,
    warn_at = EXCLUDED.warn_at,
    steps = CASE WHEN t.began_at = EXCLUDED.began_at THEN t.steps ELSE '{}' END
WHERE EXCLUDED.ended_at IS NULL OR t.ended_at IS DISTINCT FROM EXCLUDED.ended_at OR t.began_at <> EXCLUDED.began_at
