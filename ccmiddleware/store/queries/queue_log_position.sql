-- How far queue_log of the node named $1 has been read, and up to which row its calls were checked
SELECT p.version, p.inode, p."offset", p.fingerprint, p.row_at, p.checked
FROM ccm.queue_log_position AS p
JOIN ccm.node AS n ON n.id = p.node_id
WHERE n.name = $1::text
