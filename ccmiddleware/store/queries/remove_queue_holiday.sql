-- Remove the holidays of queue $1 that fall on the day $2; a yearly one by month and day
DELETE FROM ccm.queue_holiday
WHERE queue_id = $1
  AND (day = $2 OR (yearly AND to_char(day, 'MM-DD') = to_char($2::date, 'MM-DD')))
RETURNING day, yearly, name, hours
