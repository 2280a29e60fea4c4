-- The nodes that the database knows, with their link as the daemon last saw it.
SELECT id, name AS node, link, link_since, link_reason, version
FROM ccm.node
ORDER BY name
