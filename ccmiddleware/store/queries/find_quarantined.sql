-- Messages in quarantine whose id begins with $1
SELECT h.id, h.held_at, m.name AS mailbox, m.id AS mailbox_id, h.kind, h.reason, h.sender, h.subject, h.state,
    h.decided_at, h.decided_by, a.sha256, a.arrived_at, octet_length(r.content) AS bytes, r.whole, r.content
FROM ccm.email_quarantine AS h
JOIN ccm.email_arrival AS a ON a.id = h.id
JOIN ccm.mailbox AS m ON m.id = a.mailbox_id
JOIN ccm.email_raw AS r ON r.sha256 = a.sha256
WHERE $1 <> '' AND h.id::text LIKE $1 || '%'
ORDER BY h.id
LIMIT 2
