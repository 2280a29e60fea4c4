-- The email of conversation $1 that is answered: the newest of those that were relayed in the messages $3, else the newest of
-- a person; with the first $2 bytes, and whether a person's came after it
SELECT e.id, e.mailbox_id, e.message_id, e.in_reply_to, e.thread, e.at, e.sent_at, e.from_address, e.from_name,
    e.recipients, e.subject, e.body, substring(r.content FOR $2::integer) AS head,
    EXISTS (
        SELECT FROM ccm.email AS l
        WHERE l.conversation_id = $1 AND l.direction = 'inbound' AND l.automatic = '' AND (l.at, l.id) > (e.at, e.id)
    ) AS newer
FROM ccm.email AS e
LEFT JOIN ccm.email_raw AS r ON r.sha256 = e.sha256
WHERE e.conversation_id = $1 AND e.direction = 'inbound'
ORDER BY
    e.id IN (
        SELECT y.email_id
        FROM ccm.outbox AS o JOIN ccm.email_relay AS y ON y.outbox_id = o.id
        WHERE o.message_id = ANY ($3::text[])
    ) DESC,
    e.automatic = '' DESC, e.at DESC, e.id DESC
LIMIT 1
