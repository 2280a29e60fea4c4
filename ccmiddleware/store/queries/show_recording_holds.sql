-- Holds on the recordings of interaction $1, present and past
SELECT * FROM ccm.recording_hold WHERE interaction_id = $1 ORDER BY held_at, id
