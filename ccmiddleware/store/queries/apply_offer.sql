-- Offers as they are now; an older version never replaces a newer one
INSERT INTO ccm.offer AS t
    (interaction_id, ordinal, version, visit, agent_id, offered_at, ended_at, outcome)
SELECT f.interaction_id, f.ordinal, f.version, f.visit, a.id, f.offered_at, f.ended_at, f.outcome
FROM jsonb_to_recordset($1::jsonb) AS f
    (interaction_id uuid, ordinal integer, version bigint, visit smallint, node text,
     interface text, offered_at timestamptz, ended_at timestamptz, outcome text)
LEFT JOIN ccm.node AS n ON n.name = f.node
LEFT JOIN ccm.agent AS a ON a.node_id = n.id AND a.interface = f.interface
ON CONFLICT (interaction_id, ordinal) DO UPDATE SET
    version = EXCLUDED.version,
    visit = EXCLUDED.visit,
    agent_id = EXCLUDED.agent_id,
    offered_at = EXCLUDED.offered_at,
    ended_at = EXCLUDED.ended_at,
    outcome = EXCLUDED.outcome
WHERE EXCLUDED.version > t.version
