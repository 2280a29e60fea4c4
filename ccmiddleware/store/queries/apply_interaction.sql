-- Interactions as they are now; an older version never replaces a newer one
INSERT INTO ccm.interaction AS t
    (id, version, node_id, channel, direction, state, linkedid, uniqueid, caller_num, caller_name,
     did, started_at, ended_at, outcome, inferred)
SELECT f.id, f.version, n.id, f.channel, f.direction, f.state, f.linkedid, f.uniqueid, f.caller_num,
    f.caller_name, f.did, f.started_at, f.ended_at, f.outcome, f.inferred
FROM jsonb_to_recordset($1::jsonb) AS f
    (id uuid, version bigint, node text, channel text, direction text, state text, linkedid text,
     uniqueid text, caller_num text, caller_name text, did text, started_at timestamptz,
     ended_at timestamptz, outcome text, inferred boolean)
LEFT JOIN ccm.node AS n ON n.name = f.node
ON CONFLICT (id) DO UPDATE SET
    version = EXCLUDED.version,
    node_id = EXCLUDED.node_id,
    channel = EXCLUDED.channel,
    direction = EXCLUDED.direction,
    state = EXCLUDED.state,
    linkedid = EXCLUDED.linkedid,
    uniqueid = EXCLUDED.uniqueid,
    caller_num = EXCLUDED.caller_num,
    caller_name = EXCLUDED.caller_name,
    did = EXCLUDED.did,
    started_at = EXCLUDED.started_at,
    ended_at = EXCLUDED.ended_at,
    outcome = EXCLUDED.outcome,
    inferred = EXCLUDED.inferred
WHERE EXCLUDED.version > t.version
