-- Callers turned away before they joined a queue; what stood in queue_log already is left as it is
INSERT INTO ccm.queue_turned_away (id, queue_id, call, at, why, destination, caller, did)
SELECT ccm.turned_away_id(f.node, f.call, f.turn), q.id, f.call, f.at, f.why, f.destination, f.caller, f.did
FROM jsonb_to_recordset($1::jsonb) AS f
    (node text, call text, turn text, queue text, at timestamptz, why text, destination text,
     caller text, did text)
LEFT JOIN ccm.node AS n ON n.name = f.node
LEFT JOIN ccm.queue AS q ON q.node_id = n.id AND q.name = f.queue
ON CONFLICT (id) DO NOTHING
