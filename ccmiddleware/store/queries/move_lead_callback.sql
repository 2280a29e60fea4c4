-- Promise $1 is for $2 now, late from $3; of agent $4 or null, note $5; by $6 at $7
UPDATE ccm.lead_callback
SET promised_at = $2, late_from = $3, due_at = $2, agent_id = $4, note = $5, changed_by = $6, changed_at = $7,
    moves = moves + (promised_at <> $2)::integer,
    moved_at = CASE WHEN promised_at <> $2 THEN $7 ELSE moved_at END,
    state = CASE WHEN promised_at <> $2 THEN 'promised' ELSE state END,
    reason = CASE WHEN promised_at <> $2 THEN '' ELSE reason END
WHERE id = $1 AND closed_at IS NULL
