-- Messages held in quarantine since $1 until $2, newest first: $3 mailbox, $4 kind or null; $5 also those that were
-- decided on; $6 how many at most
SELECT h.id, h.held_at, m.name AS mailbox, h.kind, h.reason, h.sender, h.subject, h.state, h.decided_at, h.decided_by,
    octet_length(r.content) AS bytes, r.whole
FROM ccm.email_quarantine AS h
JOIN ccm.email_arrival AS a ON a.id = h.id
JOIN ccm.mailbox AS m ON m.id = a.mailbox_id
JOIN ccm.email_raw AS r ON r.sha256 = a.sha256
WHERE h.held_at >= $1 AND h.held_at < $2
    AND ($3::text IS NULL OR m.name = $3)
    AND ($4::text IS NULL OR h.kind = $4)
    AND ($5 OR h.state = 'held')
ORDER BY h.held_at DESC, h.id
LIMIT $6
