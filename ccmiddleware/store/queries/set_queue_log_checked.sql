-- Calls of node $1 whose rows have no higher sequence than $2 were compared with what we have
UPDATE ccm.queue_log_position AS p SET checked = $2::bigint
FROM ccm.node AS n
WHERE n.id = p.node_id AND n.name = $1::text AND p.checked < $2::bigint
