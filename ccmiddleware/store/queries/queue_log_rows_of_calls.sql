-- All rows of queue_log on node $1 about the calls $2, each call's in their order
SELECT r.call, r.at, r.sequence, r.queue, r.agent, r.event, r.data
FROM ccm.queue_log_row AS r
JOIN ccm.node AS n ON n.id = r.node_id
WHERE n.name = $1::text AND r.call = ANY ($2::text[])
ORDER BY r.call, r.sequence
