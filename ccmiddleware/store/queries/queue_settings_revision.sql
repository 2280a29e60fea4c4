-- A number that changes with every edit of a queue of node $1; no row for who does not lead it in term $2
SELECT coalesce((SELECT sum(s.revision)
                 FROM ccm.queue AS q JOIN ccm.queue_setting AS s ON s.queue_id = q.id
                 WHERE q.node_id = n.id), 0)::bigint AS revision
FROM ccm.node AS n
JOIN ccm.leadership AS l ON l.node_id = n.id AND l.term = $2
WHERE n.name = $1
