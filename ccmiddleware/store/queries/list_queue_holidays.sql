-- Holidays: $1 node or null, $2 queue or null
SELECT n.name AS node, q.name AS queue, d.day, d.yearly, d.name, d.hours
FROM ccm.queue_holiday AS d
JOIN ccm.queue AS q ON q.id = d.queue_id
JOIN ccm.node AS n ON n.id = q.node_id
WHERE ($1::text IS NULL OR n.name = $1) AND ($2::text IS NULL OR q.name = $2)
ORDER BY n.name, q.name, CASE WHEN d.yearly THEN to_char(d.day, 'MM-DD') END, d.day
