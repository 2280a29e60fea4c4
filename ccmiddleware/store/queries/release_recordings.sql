-- End the hold on the recordings of interaction $1: $2 by whom; no row when there is none
UPDATE ccm.recording_hold
SET released_by = $2, released_at = now()
WHERE interaction_id = $1 AND released_at IS NULL
RETURNING *
