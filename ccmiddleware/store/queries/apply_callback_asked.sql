-- Callbacks that callers asked for; what was told before, or stood in queue_log, is left as it is
SELECT ccm.ask_callback(ccm.callback_id(f.node, f.call), q.id, f.number, f.call, 'caller', f.at, f.priority)
FROM jsonb_to_recordset($1::jsonb) AS f
    (node text, call text, queue text, number text, priority integer, at timestamptz)
JOIN ccm.node AS n ON n.name = f.node
JOIN ccm.queue AS q ON q.node_id = n.id AND q.name = f.queue
ORDER BY f.at
