-- Segments as they are now; an older version never replaces a newer one
INSERT INTO ccm.segment AS t
    (interaction_id, ordinal, version, visit, agent_id, channel, agent_channel, offered_at,
     answered_at, ended_at, ended_by, hold_seconds, wrap_up_seconds, inferred)
SELECT f.interaction_id, f.ordinal, f.version, f.visit, a.id, f.channel, f.agent_channel,
    f.offered_at, f.answered_at, f.ended_at, f.ended_by, f.hold_seconds, f.wrap_up_seconds,
    f.inferred
FROM jsonb_to_recordset($1::jsonb) AS f
    (interaction_id uuid, ordinal smallint, version bigint, visit smallint, node text,
     interface text, channel text, agent_channel text, offered_at timestamptz,
     answered_at timestamptz, ended_at timestamptz, ended_by text, hold_seconds double precision,
     wrap_up_seconds double precision, inferred boolean)
LEFT JOIN ccm.node AS n ON n.name = f.node
LEFT JOIN ccm.agent AS a ON a.node_id = n.id AND a.interface = f.interface
ON CONFLICT (interaction_id, ordinal) DO UPDATE SET
    version = EXCLUDED.version,
    visit = EXCLUDED.visit,
    agent_id = EXCLUDED.agent_id,
    channel = EXCLUDED.channel,
    agent_channel = EXCLUDED.agent_channel,
    offered_at = EXCLUDED.offered_at,
    answered_at = EXCLUDED.answered_at,
    ended_at = EXCLUDED.ended_at,
    ended_by = EXCLUDED.ended_by,
    hold_seconds = EXCLUDED.hold_seconds,
    wrap_up_seconds = EXCLUDED.wrap_up_seconds,
    inferred = EXCLUDED.inferred
WHERE EXCLUDED.version > t.version
