-- The outbox: every message that is to be sent, written down whole, with its Message-ID, before SMTP is spoken.
--
-- queued → claimed → speaking → sent | queued (again, later) | failed | unknown. The leader of a node claims rows
-- in its term. Claimed: recipients may be named to the server, but no content is sent. Speaking: written down
-- just before the content is sent; from here to the server's answer nobody can tell whether the server has the
-- message. A leader that finds rows of an earlier term puts claimed ones back, and calls speaking ones
-- unknown: they are never sent again by themselves, unless the operator's policy says so.

CREATE TABLE ccm.outbox (
    id              uuid PRIMARY KEY,
    node_id         uuid NOT NULL REFERENCES ccm.node,
    mailbox_id      uuid NOT NULL REFERENCES ccm.mailbox,
    conversation_id uuid REFERENCES ccm.conversation,
    kind            text NOT NULL,
    message_id      text NOT NULL,
    envelope_from   text NOT NULL,
    content         bytea NOT NULL,
    state           text NOT NULL DEFAULT 'queued',
    reason          text NOT NULL DEFAULT '',
    attempts        integer NOT NULL DEFAULT 0,
    term            bigint,
    put_at          timestamptz NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    spoke_at        timestamptz,
    done_at         timestamptz,
    CONSTRAINT outbox_message_id_unique UNIQUE (message_id),
    CONSTRAINT outbox_kind_known CHECK (kind IN ('answer', 'acknowledgement', 'relay', 'receipt')),
    CONSTRAINT outbox_state_known CHECK (state IN ('queued', 'claimed', 'speaking', 'sent', 'failed', 'unknown')),
    CONSTRAINT outbox_claimed_in_a_term CHECK (state NOT IN ('claimed', 'speaking') OR term IS NOT NULL),
    CONSTRAINT outbox_done_has_time CHECK ((done_at IS NOT NULL) = (state IN ('sent', 'failed')))
);
COMMENT ON TABLE ccm.outbox IS 'Messages that are to be sent, and what came of each';
COMMENT ON COLUMN ccm.outbox.id IS 'UUIDv7, chosen by whoever puts it here; the same one is put once';
COMMENT ON COLUMN ccm.outbox.node_id IS 'The Asterisk whose leader sends it';
COMMENT ON COLUMN ccm.outbox.mailbox_id IS 'The mailbox in whose name it is sent';
COMMENT ON COLUMN ccm.outbox.conversation_id IS 'The conversation it belongs to';
COMMENT ON COLUMN ccm.outbox.kind IS
    'answer or acknowledgement to a customer; relay (a customer''s message) or receipt (what became of a command) to an agent';
COMMENT ON COLUMN ccm.outbox.message_id IS 'Its Message-ID without brackets, by which replies and delivery reports are known';
COMMENT ON COLUMN ccm.outbox.envelope_from IS 'Sender of the envelope, to whom delivery reports go; empty for what a machine wrote';
COMMENT ON COLUMN ccm.outbox.content IS 'The message, byte for byte as it is sent';
COMMENT ON COLUMN ccm.outbox.state IS
    'queued, claimed (recipients are being named to the server), speaking (the content is being sent), sent (the server took it for all recipients that it did not refuse), failed (for all of them), unknown (nobody can tell whether the server took it)';
COMMENT ON COLUMN ccm.outbox.reason IS 'What was last in the way, in words';
COMMENT ON COLUMN ccm.outbox.attempts IS 'Times that it was claimed';
COMMENT ON COLUMN ccm.outbox.term IS 'Term of the leader that last claimed it';
COMMENT ON COLUMN ccm.outbox.put_at IS 'When it was put here';
COMMENT ON COLUMN ccm.outbox.next_attempt_at IS 'Not to be claimed before this';
COMMENT ON COLUMN ccm.outbox.spoke_at IS 'When its content was last about to be sent';
COMMENT ON COLUMN ccm.outbox.done_at IS 'When it was sent, or had failed for all recipients';
CREATE INDEX outbox_waiting ON ccm.outbox (node_id, next_attempt_at) WHERE state = 'queued';
CREATE INDEX outbox_under_way ON ccm.outbox (node_id) WHERE state IN ('claimed', 'speaking');
CREATE INDEX outbox_unknown ON ccm.outbox (spoke_at) WHERE state = 'unknown';
CREATE INDEX outbox_conversation ON ccm.outbox (conversation_id, put_at);

CREATE TABLE ccm.outbox_recipient (
    outbox_id uuid NOT NULL REFERENCES ccm.outbox,
    address   text NOT NULL,
    domain    text NOT NULL,
    state     text NOT NULL DEFAULT 'pending',
    code      integer,
    reason    text NOT NULL DEFAULT '',
    delivery  text,
    PRIMARY KEY (outbox_id, address),
    CONSTRAINT outbox_recipient_state_known CHECK (state IN ('pending', 'sent', 'refused', 'given_up')),
    CONSTRAINT outbox_recipient_delivery_known CHECK (delivery IN ('delayed', 'delivered', 'relayed', 'expanded', 'failed')),
    CONSTRAINT outbox_recipient_code_is_smtp CHECK (code BETWEEN 200 AND 599)
);
COMMENT ON TABLE ccm.outbox_recipient IS 'To whom a message in the outbox is to be sent';
COMMENT ON COLUMN ccm.outbox_recipient.outbox_id IS 'The message';
COMMENT ON COLUMN ccm.outbox_recipient.address IS 'Address of the recipient';
COMMENT ON COLUMN ccm.outbox_recipient.domain IS 'Its domain in lower case';
COMMENT ON COLUMN ccm.outbox_recipient.state IS
    'pending, sent (our server took it for this one), refused (and will be again), given_up (deferred for too long)';
COMMENT ON COLUMN ccm.outbox_recipient.code IS 'The last SMTP reply code about this one';
COMMENT ON COLUMN ccm.outbox_recipient.reason IS 'The text of that reply';
COMMENT ON COLUMN ccm.outbox_recipient.delivery IS 'What a delivery report said later';
CREATE INDEX outbox_recipient_pending ON ccm.outbox_recipient (domain) WHERE state = 'pending';

CREATE TABLE ccm.email_key (
    id      smallint PRIMARY KEY,
    secret  bytea NOT NULL,
    made_at timestamptz NOT NULL,
    CONSTRAINT email_key_id_fits_tokens CHECK (id BETWEEN 0 AND 255),
    CONSTRAINT email_key_is_long CHECK (octet_length(secret) >= 32)
);
COMMENT ON TABLE ccm.email_key IS 'Secrets that sign the Message-IDs and reply addresses of what we send; the newest one signs';
COMMENT ON COLUMN ccm.email_key.id IS 'Number by which tokens name the key';
COMMENT ON COLUMN ccm.email_key.secret IS 'The secret; for nobody to see';
COMMENT ON COLUMN ccm.email_key.made_at IS 'When it was made';
