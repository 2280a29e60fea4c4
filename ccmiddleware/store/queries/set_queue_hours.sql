-- Weekly hours of queue $1: $2 hours by weekday
INSERT INTO ccm.queue_hours (queue_id, weekday, hours)
SELECT $1, d.key::smallint, d.value FROM jsonb_each_text($2::jsonb) AS d
