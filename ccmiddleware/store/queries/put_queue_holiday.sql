-- A holiday of queue $1: $2 day, $3 yearly, $4 name, $5 hours
INSERT INTO ccm.queue_holiday (queue_id, day, yearly, name, hours)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (queue_id, day, yearly) DO UPDATE SET name = EXCLUDED.name, hours = EXCLUDED.hours
