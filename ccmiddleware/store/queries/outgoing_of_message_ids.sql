-- What the outbox has of the Message-IDs $1: each recipient of each
SELECT o.id, o.message_id, r.address
FROM ccm.outbox AS o JOIN ccm.outbox_recipient AS r ON r.outbox_id = o.id
WHERE o.message_id = ANY ($1::text[])
ORDER BY o.id, r.address
