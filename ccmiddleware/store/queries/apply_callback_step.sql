-- Steps of callbacks' attempts; what was told before, or stood in queue_log, is left as it is
INSERT INTO ccm.callback_step (attempt, step, at)
SELECT DISTINCT ON (f.attempt, f.step) f.attempt, f.step, f.at
FROM jsonb_to_recordset($1::jsonb) AS f (attempt text, step text, at timestamptz)
ORDER BY f.attempt, f.step, f.at
ON CONFLICT (attempt, step) DO NOTHING
