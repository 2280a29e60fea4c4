-- Visits to queues as they are now; an older version never replaces a newer one
INSERT INTO ccm.queue_visit AS t
    (interaction_id, ordinal, version, queue_id, position, joined_at, answered_at, left_at, outcome,
     inferred)
SELECT f.interaction_id, f.ordinal, f.version, q.id, f.position, f.joined_at, f.answered_at,
    f.left_at, f.outcome, f.inferred
FROM jsonb_to_recordset($1::jsonb) AS f
    (interaction_id uuid, ordinal smallint, version bigint, node text, queue text, position integer,
     joined_at timestamptz, answered_at timestamptz, left_at timestamptz, outcome text,
     inferred boolean)
LEFT JOIN ccm.node AS n ON n.name = f.node
LEFT JOIN ccm.queue AS q ON q.node_id = n.id AND q.name = f.queue
ON CONFLICT (interaction_id, ordinal) DO UPDATE SET
    version = EXCLUDED.version,
    queue_id = EXCLUDED.queue_id,
    position = EXCLUDED.position,
    joined_at = EXCLUDED.joined_at,
    answered_at = EXCLUDED.answered_at,
    left_at = EXCLUDED.left_at,
    outcome = EXCLUDED.outcome,
    inferred = EXCLUDED.inferred
WHERE EXCLUDED.version > t.version
