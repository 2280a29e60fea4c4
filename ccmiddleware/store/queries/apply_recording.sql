-- Recordings as they are now; an older version never replaces a newer one
INSERT INTO ccm.recording AS t
    (interaction_id, segment, version, node_id, state, path, started_at, ended_at, seconds, bytes,
     sha256, error, channels, monitor, asked, paused_at, paused_seconds, stopped_at, settled)
SELECT f.interaction_id, f.segment, f.version, n.id, f.state, f.path, f.started_at, f.ended_at,
    f.seconds, f.bytes, f.sha256, f.error, coalesce(f.channels, 'mono'), coalesce(f.monitor, ''),
    coalesce(f.asked, ''), f.paused_at, coalesce(f.paused_seconds, 0), f.stopped_at,
    f.state <> 'finished'
FROM jsonb_to_recordset($1::jsonb) AS f
    (interaction_id uuid, segment smallint, version bigint, node text, state text, path text,
     started_at timestamptz, ended_at timestamptz, seconds double precision, bytes bigint,
     sha256 text, error text, channels text, monitor text, asked text, paused_at timestamptz,
     paused_seconds double precision, stopped_at timestamptz)
LEFT JOIN ccm.node AS n ON n.name = f.node
ON CONFLICT (interaction_id, segment) DO UPDATE SET
    version = EXCLUDED.version,
    node_id = EXCLUDED.node_id,
    state = EXCLUDED.state,
    path = EXCLUDED.path,
    started_at = EXCLUDED.started_at,
    ended_at = EXCLUDED.ended_at,
    seconds = EXCLUDED.seconds,
    bytes = EXCLUDED.bytes,
    sha256 = EXCLUDED.sha256,
    error = EXCLUDED.error,
    channels = EXCLUDED.channels,
    monitor = EXCLUDED.monitor,
    asked = EXCLUDED.asked,
    paused_at = EXCLUDED.paused_at,
    paused_seconds = EXCLUDED.paused_seconds,
    stopped_at = EXCLUDED.stopped_at,
    settled = EXCLUDED.settled
WHERE EXCLUDED.version > t.version
  -- What was compressed, stored or deleted has ended: no fact leads away from where its file is.
  AND t.compression = 'none' AND t.object IS NULL AND t.state <> 'deleted'
