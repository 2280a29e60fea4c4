-- Put the message $1 into the outbox of mailbox $2: $3 conversation or null, $4 kind, $5 Message-ID, $6 envelope sender,
-- $7 content, $8 now, $9 recipients, $10 their domains, $11 plain subject; nothing when it is there already
WITH put AS (
    INSERT INTO ccm.outbox (id, node_id, mailbox_id, conversation_id, kind, message_id, envelope_from, content,
        put_at, next_attempt_at, plain_subject)
    SELECT $1, m.node_id, m.id, $3, $4, $5, $6, $7, $8, $8, $11 FROM ccm.mailbox AS m WHERE m.id = $2
    ON CONFLICT (id) DO NOTHING
    RETURNING id
)
INSERT INTO ccm.outbox_recipient (outbox_id, address, domain)
SELECT p.id, r.address, r.domain
FROM put AS p, unnest($9::text[], $10::text[]) AS r (address, domain)
ON CONFLICT (outbox_id, address) DO NOTHING
