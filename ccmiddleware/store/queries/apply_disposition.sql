-- Dispositions from the keypad; what was told before, or stood in queue_log, is left as it is
INSERT INTO ccm.disposition (id, agent_id, code, given_by, given_at, source)
SELECT ccm.keypad_disposition_id(f.node, f.call), a.id, ccm.keypad_code(f.digits), f.interface, f.at,
    'keypad'
FROM jsonb_to_recordset($1::jsonb) AS f
    (node text, call text, interface text, digits text, at timestamptz)
LEFT JOIN ccm.node AS n ON n.name = f.node
LEFT JOIN ccm.agent AS a ON a.node_id = n.id AND a.interface = f.interface
ON CONFLICT (id) DO NOTHING
