-- report.outbox: one row for each message that was to be sent, and what came of it.
CREATE OR REPLACE VIEW report.outbox AS
SELECT
    o.id,
    n.name AS node,
    q.name AS queue,
    m.name AS mailbox,
    o.kind,
    o.conversation_id,
    c.number AS conversation_number,
    o.message_id,
    r.addresses,
    CASE WHEN o.state IN ('claimed', 'speaking') THEN 'sending' ELSE o.state END AS state,
    o.reason,
    o.attempts,
    o.put_at,
    CASE WHEN o.state = 'queued' THEN o.next_attempt_at END AS next_attempt_at,
    o.spoke_at,
    o.done_at,
    report.seconds(o.put_at, o.done_at) AS until_done_seconds,
    r.recipients,
    r.sent,
    r.refused,
    r.given_up,
    r.bounced,
    o.decision,
    o.decided_at,
    o.decided_by
FROM ccm.outbox o
JOIN ccm.node n ON n.id = o.node_id
JOIN ccm.mailbox m ON m.id = o.mailbox_id
JOIN ccm.queue q ON q.id = m.queue_id
LEFT JOIN ccm.conversation c ON c.id = o.conversation_id
CROSS JOIN LATERAL (
    SELECT
        array_agg(t.address ORDER BY t.address) AS addresses,
        count(*) AS recipients,
        count(*) FILTER (WHERE t.state = 'sent') AS sent,
        count(*) FILTER (WHERE t.state = 'refused') AS refused,
        count(*) FILTER (WHERE t.state = 'given_up') AS given_up,
        count(*) FILTER (WHERE t.delivery = 'failed') AS bounced
    FROM ccm.outbox_recipient t
    WHERE t.outbox_id = o.id
) r;

COMMENT ON VIEW report.outbox IS 'One row for each message that was to be sent by email. Filter by put_at';
COMMENT ON COLUMN report.outbox.id IS 'Id of the message in the outbox';
COMMENT ON COLUMN report.outbox.node IS 'Name of the Asterisk whose leader sends it';
COMMENT ON COLUMN report.outbox.queue IS 'Name of the queue of its mailbox';
COMMENT ON COLUMN report.outbox.mailbox IS 'Name of the mailbox as which it is sent';
COMMENT ON COLUMN report.outbox.kind IS 'answer or acknowledgement to a customer; relay or receipt to an agent; notice to a supervisor';
COMMENT ON COLUMN report.outbox.conversation_id IS 'The conversation it belongs to; null for none';
COMMENT ON COLUMN report.outbox.conversation_number IS 'The number of that conversation';
COMMENT ON COLUMN report.outbox.message_id IS 'Its Message-ID, without brackets';
COMMENT ON COLUMN report.outbox.addresses IS 'To whom it was to be sent';
COMMENT ON COLUMN report.outbox.state IS
    'queued, sending, sent (the server took it for at least one recipient), failed (for none), unknown (nobody can tell whether it took it)';
COMMENT ON COLUMN report.outbox.reason IS 'What was last in the way, in words';
COMMENT ON COLUMN report.outbox.attempts IS 'Times that it was tried, since it was put here or last queued again by hand';
COMMENT ON COLUMN report.outbox.put_at IS 'When it was to be sent';
COMMENT ON COLUMN report.outbox.next_attempt_at IS 'Not tried again before this; null unless it is queued';
COMMENT ON COLUMN report.outbox.spoke_at IS 'When its content was last about to be sent; null when never';
COMMENT ON COLUMN report.outbox.done_at IS 'When it was sent, or had failed; null while it is neither';
COMMENT ON COLUMN report.outbox.until_done_seconds IS 'From put_at to done_at, in seconds';
COMMENT ON COLUMN report.outbox.recipients IS 'How many recipients it has';
COMMENT ON COLUMN report.outbox.sent IS 'For how many of them the server took it';
COMMENT ON COLUMN report.outbox.refused IS 'How many the server refused for good';
COMMENT ON COLUMN report.outbox.given_up IS 'How many were deferred for too long, or dropped by hand';
COMMENT ON COLUMN report.outbox.bounced IS 'Of how many a delivery report said later that it could not be delivered';
COMMENT ON COLUMN report.outbox.decision IS 'What somebody last decided about it by hand: retry, drop or sent; null for nothing';
COMMENT ON COLUMN report.outbox.decided_at IS 'When';
COMMENT ON COLUMN report.outbox.decided_by IS 'User of the operating system who did so';
