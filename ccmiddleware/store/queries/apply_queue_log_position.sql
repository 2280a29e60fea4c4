-- How far each node's queue_log has been read; an older version never replaces a newer one
INSERT INTO ccm.queue_log_position AS t
    (node_id, version, inode, "offset", fingerprint, row_at)
SELECT n.id, f.version, f.inode, f."offset", f.fingerprint, f.row_at
FROM jsonb_to_recordset($1::jsonb) AS f
    (node text, version bigint, inode bigint, "offset" bigint, fingerprint text,
     row_at timestamptz)
LEFT JOIN ccm.node AS n ON n.name = f.node
ON CONFLICT (node_id) DO UPDATE SET
    version = EXCLUDED.version,
    inode = EXCLUDED.inode,
    "offset" = EXCLUDED."offset",
    fingerprint = EXCLUDED.fingerprint,
    row_at = EXCLUDED.row_at
WHERE EXCLUDED.version > t.version
