-- Queues as Asterisk listed them; the newest listing holds
INSERT INTO ccm.queue AS t (node_id, name, strategy, service_level_seconds, seen_at)
SELECT DISTINCT ON (n.id, f.name) n.id, f.name, f.strategy, f.service_level_seconds, f.seen_at
FROM jsonb_to_recordset($1::jsonb) AS f
    (node text, name text, strategy text, service_level_seconds integer, seen_at timestamptz)
LEFT JOIN ccm.node AS n ON n.name = f.node
ORDER BY n.id, f.name, f.seen_at DESC, f.strategy DESC, f.service_level_seconds DESC
ON CONFLICT (node_id, name) DO UPDATE SET
    strategy = EXCLUDED.strategy,
    service_level_seconds = EXCLUDED.service_level_seconds,
    seen_at = EXCLUDED.seen_at
WHERE t.seen_at IS NULL
    OR (EXCLUDED.seen_at, EXCLUDED.strategy, EXCLUDED.service_level_seconds)
        > (t.seen_at, t.strategy, t.service_level_seconds)
