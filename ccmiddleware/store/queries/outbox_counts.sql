-- What is in the outbox of node $1, or of each node with mailboxes if null: how many wait, since when, of how many nobody
-- can tell, and how many failed since $2
SELECT n.name AS node, w.queued, w.queued_since, u.unknown, f.failed
FROM ccm.node AS n
CROSS JOIN LATERAL (
    SELECT count(*) AS queued, min(o.put_at) AS queued_since
    FROM (
        SELECT put_at FROM ccm.outbox WHERE node_id = n.id AND state = 'queued'
        UNION ALL
        SELECT put_at FROM ccm.outbox WHERE node_id = n.id AND state IN ('claimed', 'speaking')
    ) AS o
) AS w
CROSS JOIN LATERAL (
    SELECT count(*) AS unknown FROM ccm.outbox AS o WHERE o.node_id = n.id AND o.state = 'unknown'
) AS u
CROSS JOIN LATERAL (
    SELECT count(*) AS failed FROM ccm.outbox AS o WHERE o.node_id = n.id AND o.state = 'failed' AND o.done_at > $2
) AS f
WHERE ($1::text IS NULL OR n.name = $1) AND EXISTS (SELECT FROM ccm.mailbox AS m WHERE m.node_id = n.id)
ORDER BY n.name
