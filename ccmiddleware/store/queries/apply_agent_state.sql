-- States of agents as they are now; an older version never replaces a newer one
INSERT INTO ccm.agent_state AS t
    (agent_id, started_at, version, state, reason, ended_at, inferred)
SELECT a.id, f.started_at, f.version, f.state, f.reason, f.ended_at, f.inferred
FROM jsonb_to_recordset($1::jsonb) AS f
    (node text, interface text, started_at timestamptz, version bigint, state text, reason text,
     ended_at timestamptz, inferred boolean)
LEFT JOIN ccm.node AS n ON n.name = f.node
LEFT JOIN ccm.agent AS a ON a.node_id = n.id AND a.interface = f.interface
ON CONFLICT (agent_id, started_at) DO UPDATE SET
    version = EXCLUDED.version,
    state = EXCLUDED.state,
    reason = EXCLUDED.reason,
    ended_at = EXCLUDED.ended_at,
    inferred = EXCLUDED.inferred
WHERE EXCLUDED.version > t.version
