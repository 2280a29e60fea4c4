-- Attempts of node $1 since $2 whose end was concluded as unknown, and of which queue_log tells something
SELECT a.id
FROM ccm.attempt AS a
WHERE a.claimed_at > $2 AND a.node = $1 AND a.inferred AND a.result = 'unknown'
    AND EXISTS (
        SELECT FROM ccm.queue_log_row AS r
        JOIN ccm.node AS n ON n.id = r.node_id AND n.name = a.node
        WHERE r.event = 'CCMDIALSTEP' AND r.call = 'ccmat-' || replace(a.id::text, '-', '') || '-'
            || floor(extract(epoch FROM a.claimed_at))::bigint || '.1')
