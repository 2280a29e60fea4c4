-- The link to node $1 that came up at $2 is up now
INSERT INTO ccm.link_interval AS t (node_id, started_at, seen_until)
SELECT n.id, $2::timestamptz, greatest(now(), $2::timestamptz)
FROM ccm.node AS n
WHERE n.name = $1::text
ON CONFLICT (node_id, started_at) DO UPDATE SET
    seen_until = greatest(t.seen_until, EXCLUDED.seen_until)
