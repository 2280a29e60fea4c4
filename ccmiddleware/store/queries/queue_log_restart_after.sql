-- When Asterisk on node $1 was first started anew after $2, a sequence; null if it was not
SELECT min(r.at)
FROM ccm.queue_log_row AS r
JOIN ccm.node AS n ON n.id = r.node_id
WHERE n.name = $1::text AND r.event = 'QUEUESTART' AND r.sequence > $2::bigint
