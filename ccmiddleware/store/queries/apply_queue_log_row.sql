-- Rows of queue_log; what was told before is left as it is
INSERT INTO ccm.queue_log_row (node_id, at, key, sequence, call, queue, agent, event, data)
SELECT n.id, f.at, f.key, f.sequence, f.call, f.queue, f.agent, f.event, f.data
FROM jsonb_to_recordset($1::jsonb) AS f
    (node text, at timestamptz, key uuid, sequence bigint, call text, queue text, agent text,
     event text, data text[])
LEFT JOIN ccm.node AS n ON n.name = f.node
ON CONFLICT (node_id, at, key) DO NOTHING
