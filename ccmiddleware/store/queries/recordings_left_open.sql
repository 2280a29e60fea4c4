-- Recordings on the node $1 that nobody finishes: with a version below $2; as facts
SELECT jsonb_build_object(
    't', 'recording', 'interaction_id', r.interaction_id, 'segment', r.segment,
    'version', r.version, 'node', n.name, 'state', r.state, 'path', r.path,
    'started_at', r.started_at, 'ended_at', coalesce(r.ended_at, s.ended_at), 'seconds', r.seconds,
    'bytes', r.bytes, 'sha256', r.sha256, 'error', r.error, 'channels', r.channels,
    'monitor', r.monitor, 'asked', r.asked, 'paused_at', r.paused_at,
    'paused_seconds', r.paused_seconds, 'stopped_at', r.stopped_at)::text AS fact
FROM ccm.node AS n
JOIN ccm.recording AS r ON r.node_id = n.id
LEFT JOIN ccm.segment AS s ON s.interaction_id = r.interaction_id AND s.ordinal = r.segment
WHERE n.name = $1::text AND r.state IN ('expected', 'recording') AND r.version < $2::bigint
