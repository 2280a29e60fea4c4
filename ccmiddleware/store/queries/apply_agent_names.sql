-- Agents that facts are about, by node and interface. A name from an offer or a segment is used until
-- an agent fact tells one (seen_at); of several, the last in the order of letters, so that the order of
-- the facts makes no difference
INSERT INTO ccm.agent AS t (node_id, interface, name)
SELECT n.id, f.interface, coalesce(max(nullif(f.member_name, '')), f.interface)
FROM jsonb_to_recordset($1::jsonb) AS f (node text, interface text, member_name text)
LEFT JOIN ccm.node AS n ON n.name = f.node
GROUP BY n.id, f.interface
ORDER BY n.id, f.interface
ON CONFLICT (node_id, interface) DO UPDATE SET name = EXCLUDED.name
WHERE t.seen_at IS NULL
    AND EXCLUDED.name <> t.interface
    AND (t.name = t.interface OR EXCLUDED.name > t.name)
