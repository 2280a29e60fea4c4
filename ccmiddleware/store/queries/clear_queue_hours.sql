-- Forget the weekly hours of queue $1
DELETE FROM ccm.queue_hours WHERE queue_id = $1
