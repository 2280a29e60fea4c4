-- Set everything of queue $1 that is one value: time zone, weekly, then the columns of queues/settings.py
UPDATE ccm.queue_setting
SET weekly = $2,
    time_zone = $3,
    closed_sound = $4,
    closed_to = $5,
    recording_sound = $6,
    max_waiting = $7,
    max_estimated_wait_seconds = $8,
    max_wait_seconds = $9,
    overflow_to = $10,
    max_penalty = $11,
    email_after_calls = $12,
    email_first_response_seconds = $13,
    email_next_response_seconds = $14,
    email_resolution_seconds = $15,
    email_escalate_before_seconds = $16,
    email_escalate_to = $17,
    email_take_back = $18
WHERE queue_id = $1
