-- Rows that the dialplan wrote into node $1's queue_log of calls $2
SELECT r.at, r.call, r.queue, r.agent, r.event, r.data
FROM ccm.queue_log_row AS r
JOIN ccm.node AS n ON n.id = r.node_id
WHERE n.name = $1 AND r.call = ANY ($2::text[]) AND r.event = 'CCMDIALSTEP'
