-- Supervisions as they are now; an older version never replaces a newer one
INSERT INTO ccm.supervision AS t
    (interaction_id, uniqueid, started_at, version, segment, agent_id, supervisor, channel, mode,
     keys, asked_by, ended_at, inferred)
SELECT f.interaction_id, f.uniqueid, f.started_at, f.version, f.segment, a.id, f.supervisor,
    f.channel, f.mode, f.keys, f.asked_by, f.ended_at, f.inferred
FROM jsonb_to_recordset($1::jsonb) AS f
    (interaction_id uuid, uniqueid text, started_at timestamptz, version bigint, segment smallint,
     node text, interface text, supervisor text, channel text, mode text, keys boolean,
     asked_by text, ended_at timestamptz, inferred boolean)
LEFT JOIN ccm.node AS n ON n.name = f.node
LEFT JOIN ccm.agent AS a ON a.node_id = n.id AND a.interface = f.interface
ON CONFLICT (interaction_id, uniqueid, started_at) DO UPDATE SET
    version = EXCLUDED.version,
    segment = EXCLUDED.segment,
    agent_id = EXCLUDED.agent_id,
    supervisor = EXCLUDED.supervisor,
    channel = EXCLUDED.channel,
    mode = EXCLUDED.mode,
    keys = EXCLUDED.keys,
    asked_by = EXCLUDED.asked_by,
    ended_at = EXCLUDED.ended_at,
    inferred = EXCLUDED.inferred
WHERE EXCLUDED.version > t.version
