-- Agents under the names that their queues have for them; the newest telling holds
INSERT INTO ccm.agent AS t (node_id, interface, name, seen_at)
SELECT DISTINCT ON (n.id, f.interface)
    n.id, f.interface, coalesce(nullif(f.name, ''), f.interface) AS name, f.seen_at
FROM jsonb_to_recordset($1::jsonb) AS f
    (node text, interface text, name text, seen_at timestamptz)
LEFT JOIN ccm.node AS n ON n.name = f.node
ORDER BY n.id, f.interface, f.seen_at DESC, coalesce(nullif(f.name, ''), f.interface) DESC
ON CONFLICT (node_id, interface) DO UPDATE SET
    name = EXCLUDED.name,
    seen_at = EXCLUDED.seen_at
WHERE t.seen_at IS NULL OR (EXCLUDED.seen_at, EXCLUDED.name) > (t.seen_at, t.name)
