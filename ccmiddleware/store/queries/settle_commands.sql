-- End what nobody will end any more on node $1: expired commands, and those taken before term $2
UPDATE ccm.command AS c
SET state = CASE c.state WHEN 'waiting' THEN 'expired' ELSE 'unknown' END,
    result = CASE c.state
        WHEN 'waiting' THEN 'no daemon took it in time'
        ELSE 'the daemon that took it ended before it could say what came of it'
    END,
    done_at = now()
FROM ccm.node AS n
WHERE n.name = $1 AND c.node_id = n.id
    AND (c.state = 'waiting' AND c.expires_at <= now() OR c.state = 'taken' AND c.term < $2)
