-- Emails, as objects $1 of their columns, with the addresses, in lower case, that take part in their conversations from
-- then on. Where one "opens" its conversation, that is a new one in the queue of its mailbox
WITH r AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS c (
        opens boolean, linked_to uuid, participants text[],
        id uuid, conversation_id uuid, mailbox_id uuid, direction text, sha256 text, message_id text, in_reply_to text[],
        thread text[], at timestamptz, sent_at timestamptz, from_address text, from_name text, recipients jsonb,
        subject text, body text, quoted text, html text, attachments jsonb, notes text[], joined_by text, automatic text,
        plain_subject text)
), opened AS (
    INSERT INTO ccm.conversation (id, node_id, queue_id, subject, opened_at, changed_at, linked_to)
    SELECT r.conversation_id, m.node_id, m.queue_id, r.subject, r.at, r.at, r.linked_to
    FROM r JOIN ccm.mailbox AS m ON m.id = r.mailbox_id
    WHERE r.opens
), joined AS (
    INSERT INTO ccm.conversation_participant (conversation_id, address, since)
    SELECT r.conversation_id, a, r.at FROM r, unnest(r.participants) AS a
    ON CONFLICT (conversation_id, address) DO NOTHING
)
INSERT INTO ccm.email (id, conversation_id, mailbox_id, direction, sha256, message_id, in_reply_to, thread, at,
    sent_at, from_address, from_name, recipients, subject, body, quoted, html, attachments, notes, joined_by, automatic,
    plain_subject)
SELECT r.id, r.conversation_id, r.mailbox_id, r.direction, decode(r.sha256, 'hex'), r.message_id, r.in_reply_to,
    r.thread, r.at, r.sent_at, r.from_address, r.from_name, r.recipients, r.subject, r.body, r.quoted, r.html,
    r.attachments, r.notes, r.joined_by, r.automatic, r.plain_subject
FROM r
