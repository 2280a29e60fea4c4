-- Claim the next message of node $1 for its leader in term $2 at $3: not one for the domains $4
WITH next AS (
    SELECT o.id
    FROM ccm.node AS n
    JOIN ccm.leadership AS l ON l.node_id = n.id AND l.term = $2
    JOIN ccm.outbox AS o ON o.node_id = n.id AND o.state = 'queued' AND o.next_attempt_at <= $3
    WHERE n.name = $1
        AND NOT EXISTS (
            SELECT FROM ccm.outbox_recipient AS r
            WHERE r.outbox_id = o.id AND r.state = 'pending' AND r.domain = ANY ($4::text[]))
    ORDER BY o.next_attempt_at, o.id
    LIMIT 1
    FOR UPDATE OF o SKIP LOCKED
)
UPDATE ccm.outbox AS o
SET state = 'claimed', term = $2, attempts = o.attempts + 1
FROM next
WHERE o.id = next.id
RETURNING o.id, o.message_id, o.envelope_from, o.content, o.attempts, coalesce(o.decided_at, o.put_at) AS put_at,
    ARRAY(SELECT r.address FROM ccm.outbox_recipient AS r
          WHERE r.outbox_id = o.id AND r.state = 'pending' ORDER BY r.address) AS recipients
