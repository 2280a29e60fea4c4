-- What agents wrote back about emails that they took, by mail or from the command line, and what came of it.
--
-- A mail of an agent's is an arrival like any other; it belongs to no conversation. The transaction that takes it does what it
-- says, once: its content is known (ccm.email_arrival), and so is its Message-ID, for a mail may come a second
-- time by another way, with other bytes.

CREATE TABLE ccm.agent_reply (
    id         uuid PRIMARY KEY,
    item_id    uuid NOT NULL REFERENCES ccm.work_item,
    agent_id   uuid NOT NULL REFERENCES ccm.agent,
    by         text NOT NULL,
    message_id text NOT NULL DEFAULT '',
    at         timestamptz NOT NULL,
    what       text NOT NULL,
    said       text NOT NULL,
    email_id   uuid REFERENCES ccm.email,
    CONSTRAINT agent_reply_what_known CHECK (what IN ('answer', 'note', 'close', 'wait', 'transfer', 'refused', 'repeated'))
);
COMMENT ON TABLE ccm.agent_reply IS 'What agents wrote back about work items, and what came of it';
COMMENT ON COLUMN ccm.agent_reply.id IS 'UUIDv7; that of its arrival if it came by mail';
COMMENT ON COLUMN ccm.agent_reply.item_id IS 'The work item';
COMMENT ON COLUMN ccm.agent_reply.agent_id IS 'The agent who wrote it, or worked on the item when somebody else did';
COMMENT ON COLUMN ccm.agent_reply.by IS 'Who wrote it: the agent, or a user of the operating system';
COMMENT ON COLUMN ccm.agent_reply.message_id IS 'Message-ID of the agent''s mail, without brackets; empty where there is none';
COMMENT ON COLUMN ccm.agent_reply.at IS 'When it was taken';
COMMENT ON COLUMN ccm.agent_reply.what IS
    'answer (the customer was written to), note, close, wait (without an answer), transfer, refused (nothing was done, said says why), repeated (done before)';
COMMENT ON COLUMN ccm.agent_reply.said IS 'What was done, or why nothing was, in words';
COMMENT ON COLUMN ccm.agent_reply.email_id IS 'The answer';
CREATE INDEX agent_reply_item ON ccm.agent_reply (item_id, at);
CREATE INDEX agent_reply_agent ON ccm.agent_reply (agent_id, at);
CREATE UNIQUE INDEX agent_reply_once ON ccm.agent_reply (item_id, message_id)
    WHERE message_id <> '' AND what NOT IN ('refused', 'repeated');

-- Mail to an address for agents' answers that is not proven to be an agent's.
ALTER TABLE ccm.email_quarantine DROP CONSTRAINT email_quarantine_kind_known;
ALTER TABLE ccm.email_quarantine ADD CONSTRAINT email_quarantine_kind_known
    CHECK (kind IN ('unreadable', 'spam', 'loop', 'report', 'reply'));
COMMENT ON COLUMN ccm.email_quarantine.kind IS
    'unreadable (or over a limit), spam (as a filter before us marked it), loop (a machine that answers machines, or too many in a short time), report (a delivery report about nothing that we sent), reply (to an address for agents'' answers, and not proven to be an agent''s)';

CREATE INDEX outbox_receipt ON ccm.outbox (put_at) WHERE kind = 'receipt';
