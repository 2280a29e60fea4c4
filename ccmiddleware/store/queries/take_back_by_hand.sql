-- Take back what was opened or closed by hand of queue $1 and is not over at $2
UPDATE ccm.queue_by_hand
SET taken_back_at = $2
WHERE queue_id = $1 AND taken_back_at IS NULL AND (until IS NULL OR until > $2)
RETURNING opened, since, until
