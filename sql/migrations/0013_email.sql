-- Email: what came in, what became of it, and the conversations that it belongs to.
--
-- A message is taken in one transaction: its bytes, that it arrived, where it stood in its mailbox, and what
-- became of it: an email in a conversation, or a place in quarantine. Only after that is it marked in the
-- mailbox. Its identity is its content: the same bytes in the same mailbox are the same message, wherever in
-- the mailbox they stand (UIDs begin anew when a server says so), and two messages that share a Message-ID
-- are two. So a message may be fetched any number of times, and counts once.
--
-- Nothing that came in is thrown away by this: what can't be read, or must not open work, waits in
-- ccm.email_quarantine with its reason, until somebody decides.

CREATE TABLE ccm.mailbox (
    id           uuid PRIMARY KEY DEFAULT ccm.uuid7(),
    name         text NOT NULL,
    node_id      uuid NOT NULL REFERENCES ccm.node,
    queue_id     uuid NOT NULL REFERENCES ccm.queue,
    uid_validity bigint,
    next_uid     bigint NOT NULL DEFAULT 1,
    checked_at   timestamptz,
    CONSTRAINT mailbox_name_unique UNIQUE (name),
    CONSTRAINT mailbox_uids_are_32_bits CHECK (
        uid_validity BETWEEN 1 AND 4294967295 AND next_uid BETWEEN 1 AND 4294967296)
);
COMMENT ON TABLE ccm.mailbox IS 'A mailbox of the configuration, whose messages go to one queue';
COMMENT ON COLUMN ccm.mailbox.id IS 'UUIDv7';
COMMENT ON COLUMN ccm.mailbox.name IS 'Name of the mailbox in the configuration';
COMMENT ON COLUMN ccm.mailbox.node_id IS 'The Asterisk whose leader takes in this mailbox';
COMMENT ON COLUMN ccm.mailbox.queue_id IS 'The queue its messages wait in';
COMMENT ON COLUMN ccm.mailbox.uid_validity IS 'UIDVALIDITY of the folder when it was last looked into; null before';
COMMENT ON COLUMN ccm.mailbox.next_uid IS 'Every message below this UID, under this UIDVALIDITY, was taken';
COMMENT ON COLUMN ccm.mailbox.checked_at IS 'When a message was last taken';

CREATE TABLE ccm.email_raw (
    sha256    bytea PRIMARY KEY,
    content   bytea NOT NULL,
    whole     boolean NOT NULL DEFAULT true,
    stored_at timestamptz NOT NULL,
    CONSTRAINT email_raw_hash_is_sha256 CHECK (octet_length(sha256) = 32)
);
COMMENT ON TABLE ccm.email_raw IS 'Messages byte for byte, each content once';
COMMENT ON COLUMN ccm.email_raw.sha256 IS 'SHA-256 of content';
COMMENT ON COLUMN ccm.email_raw.content IS 'The message as the server gave it';
COMMENT ON COLUMN ccm.email_raw.whole IS 'False: it was larger than the limit, and only its header is here; the rest is in the mailbox';
COMMENT ON COLUMN ccm.email_raw.stored_at IS 'When it was first stored';

CREATE TABLE ccm.email_arrival (
    id         uuid PRIMARY KEY,
    mailbox_id uuid NOT NULL REFERENCES ccm.mailbox,
    sha256     bytea NOT NULL REFERENCES ccm.email_raw,
    arrived_at timestamptz NOT NULL,
    CONSTRAINT email_arrival_once UNIQUE (mailbox_id, sha256)
);
COMMENT ON TABLE ccm.email_arrival IS 'A message in a mailbox; the same content arrives once';
COMMENT ON COLUMN ccm.email_arrival.id IS 'UUIDv7; also the id of the email or of the entry in quarantine that it became';
COMMENT ON COLUMN ccm.email_arrival.mailbox_id IS 'The mailbox';
COMMENT ON COLUMN ccm.email_arrival.sha256 IS 'Its content';
COMMENT ON COLUMN ccm.email_arrival.arrived_at IS 'When the mail server had it (INTERNALDATE); when it was taken, where that is not known';
CREATE INDEX email_arrival_content ON ccm.email_arrival (sha256);

CREATE TABLE ccm.email_place (
    mailbox_id   uuid NOT NULL REFERENCES ccm.mailbox,
    uid_validity bigint NOT NULL,
    uid          bigint NOT NULL,
    arrival_id   uuid NOT NULL REFERENCES ccm.email_arrival,
    marked       boolean NOT NULL DEFAULT false,
    PRIMARY KEY (mailbox_id, uid_validity, uid)
);
COMMENT ON TABLE ccm.email_place IS 'Where messages stood in their mailboxes';
COMMENT ON COLUMN ccm.email_place.mailbox_id IS 'The mailbox';
COMMENT ON COLUMN ccm.email_place.uid_validity IS 'UIDVALIDITY of the folder';
COMMENT ON COLUMN ccm.email_place.uid IS 'UID in the folder';
COMMENT ON COLUMN ccm.email_place.arrival_id IS 'The message';
COMMENT ON COLUMN ccm.email_place.marked IS 'True once the server has marked or moved it as we are set to';
CREATE INDEX email_place_arrival ON ccm.email_place (arrival_id);
CREATE INDEX email_place_unmarked ON ccm.email_place (mailbox_id, uid_validity, uid) WHERE NOT marked;

CREATE TABLE ccm.conversation (
    id         uuid PRIMARY KEY DEFAULT ccm.uuid7(),
    node_id    uuid NOT NULL REFERENCES ccm.node,
    queue_id   uuid NOT NULL REFERENCES ccm.queue,
    subject    text NOT NULL,
    state      text NOT NULL DEFAULT 'open',
    opened_at  timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    closed_at  timestamptz,
    linked_to  uuid REFERENCES ccm.conversation,
    CONSTRAINT conversation_state_known CHECK (state IN ('open', 'waiting', 'closed')),
    CONSTRAINT conversation_closed_has_time CHECK ((state = 'closed') = (closed_at IS NOT NULL)),
    CONSTRAINT conversation_linked_to_another CHECK (linked_to <> id)
);
COMMENT ON TABLE ccm.conversation IS 'The interactions that belong to one matter';
COMMENT ON COLUMN ccm.conversation.id IS 'UUIDv7';
COMMENT ON COLUMN ccm.conversation.node_id IS 'The Asterisk of its queue';
COMMENT ON COLUMN ccm.conversation.queue_id IS 'The queue whose agents have it now';
COMMENT ON COLUMN ccm.conversation.subject IS 'Subject of its first email, from outside: not to be trusted';
COMMENT ON COLUMN ccm.conversation.state IS 'open (something is to be done), waiting (for the customer or for a time), closed';
COMMENT ON COLUMN ccm.conversation.opened_at IS 'When its first email arrived';
COMMENT ON COLUMN ccm.conversation.changed_at IS 'When it last changed';
COMMENT ON COLUMN ccm.conversation.closed_at IS 'When it was closed; null while it is not';
COMMENT ON COLUMN ccm.conversation.linked_to IS 'The conversation that its first email referred to and could not join';
CREATE INDEX conversation_unclosed ON ccm.conversation (queue_id, opened_at) WHERE state <> 'closed';

CREATE TABLE ccm.conversation_participant (
    conversation_id uuid NOT NULL REFERENCES ccm.conversation,
    address         text NOT NULL,
    since           timestamptz NOT NULL,
    PRIMARY KEY (conversation_id, address),
    CONSTRAINT conversation_participant_is_lower_case CHECK (address = lower(address))
);
COMMENT ON TABLE ccm.conversation_participant IS 'Addresses whose mail may join a conversation';
COMMENT ON COLUMN ccm.conversation_participant.conversation_id IS 'The conversation';
COMMENT ON COLUMN ccm.conversation_participant.address IS 'Address in lower case';
COMMENT ON COLUMN ccm.conversation_participant.since IS 'Since when';
CREATE INDEX conversation_participant_address ON ccm.conversation_participant (address);

CREATE TABLE ccm.email (
    id              uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES ccm.conversation,
    mailbox_id      uuid NOT NULL REFERENCES ccm.mailbox,
    direction       text NOT NULL,
    sha256          bytea REFERENCES ccm.email_raw,
    message_id      text NOT NULL,
    in_reply_to     text[] NOT NULL DEFAULT '{}',
    thread          text[] NOT NULL DEFAULT '{}',
    at              timestamptz NOT NULL,
    sent_at         timestamptz,
    from_address    text NOT NULL,
    from_name       text NOT NULL,
    recipients      jsonb NOT NULL DEFAULT '[]',
    subject         text NOT NULL,
    body            text NOT NULL,
    quoted          text NOT NULL,
    html            text NOT NULL,
    attachments     jsonb NOT NULL DEFAULT '[]',
    notes           text[] NOT NULL DEFAULT '{}',
    joined_by       text NOT NULL,
    automatic       text NOT NULL DEFAULT '',
    CONSTRAINT email_direction_known CHECK (direction IN ('inbound', 'outbound')),
    CONSTRAINT email_from_is_lower_case CHECK (from_address = lower(from_address)),
    CONSTRAINT email_inbound_is_kept CHECK (direction <> 'inbound' OR sha256 IS NOT NULL)
);
COMMENT ON TABLE ccm.email IS 'Emails of conversations. Everything in an inbound one is the sender''s word';
COMMENT ON COLUMN ccm.email.id IS 'UUIDv7; of an inbound one that of its arrival';
COMMENT ON COLUMN ccm.email.conversation_id IS 'The conversation';
COMMENT ON COLUMN ccm.email.mailbox_id IS 'The mailbox that it came to, or whose queue sends it';
COMMENT ON COLUMN ccm.email.direction IS 'inbound or outbound';
COMMENT ON COLUMN ccm.email.sha256 IS 'Its content byte for byte, in ccm.email_raw';
COMMENT ON COLUMN ccm.email.message_id IS 'Message-ID without brackets; empty where the sender gave none. Not unique: senders use them again';
COMMENT ON COLUMN ccm.email.in_reply_to IS 'Message-IDs of In-Reply-To';
COMMENT ON COLUMN ccm.email.thread IS 'Message-IDs of References, oldest first';
COMMENT ON COLUMN ccm.email.at IS 'When it arrived, or was put into the outbox';
COMMENT ON COLUMN ccm.email.sent_at IS 'Its Date, as the sender''s clock had it';
COMMENT ON COLUMN ccm.email.from_address IS 'Address of From, in lower case';
COMMENT ON COLUMN ccm.email.from_name IS 'Name of From';
COMMENT ON COLUMN ccm.email.recipients IS 'To and Cc: objects with role, address and name';
COMMENT ON COLUMN ccm.email.subject IS 'Subject, decoded';
COMMENT ON COLUMN ccm.email.body IS 'What was written now, as plain text, without quoted history';
COMMENT ON COLUMN ccm.email.quoted IS 'The quoted history that was split off';
COMMENT ON COLUMN ccm.email.html IS 'The HTML body, sanitised; empty where there was none';
COMMENT ON COLUMN ccm.email.attachments IS 'Objects with part, name, content_type, bytes, sha256, content_id and inline';
COMMENT ON COLUMN ccm.email.notes IS 'What had to be repaired or guessed on reading it';
COMMENT ON COLUMN ccm.email.joined_by IS 'Why it is in this conversation: token, reference, opened …';
COMMENT ON COLUMN ccm.email.automatic IS 'Why it counts as written by a machine, which gets no acknowledgement; empty for a person''s';
CREATE INDEX email_conversation ON ccm.email (conversation_id, at);
CREATE INDEX email_message_id ON ccm.email (message_id) WHERE message_id <> '';
CREATE INDEX email_from ON ccm.email (from_address, at);

CREATE TABLE ccm.email_quarantine (
    id         uuid PRIMARY KEY REFERENCES ccm.email_arrival,
    kind       text NOT NULL,
    reason     text NOT NULL,
    sender     text NOT NULL,
    subject    text NOT NULL,
    held_at    timestamptz NOT NULL,
    state      text NOT NULL DEFAULT 'held',
    decided_at timestamptz,
    decided_by text,
    CONSTRAINT email_quarantine_kind_known CHECK (kind IN ('unreadable', 'spam', 'loop', 'report')),
    CONSTRAINT email_quarantine_state_known CHECK (state IN ('held', 'released', 'dropped')),
    CONSTRAINT email_quarantine_decided CHECK (
        (state = 'held') = (decided_at IS NULL) AND (state = 'held') = (decided_by IS NULL))
);
COMMENT ON TABLE ccm.email_quarantine IS 'Messages that opened no work, with the reason';
COMMENT ON COLUMN ccm.email_quarantine.id IS 'Its arrival';
COMMENT ON COLUMN ccm.email_quarantine.kind IS
    'unreadable (or over a limit), spam (as a filter before us marked it), loop (a machine that answers machines, or too many in a short time), report (a delivery report about nothing that we sent)';
COMMENT ON COLUMN ccm.email_quarantine.reason IS 'Why, in words';
COMMENT ON COLUMN ccm.email_quarantine.sender IS 'Address of From, as far as it could be read';
COMMENT ON COLUMN ccm.email_quarantine.subject IS 'Subject, as far as it could be read';
COMMENT ON COLUMN ccm.email_quarantine.held_at IS 'Since when';
COMMENT ON COLUMN ccm.email_quarantine.state IS 'held, released (it went on as an email) or dropped (looked at, and nothing to be done); its bytes are kept in any case';
COMMENT ON COLUMN ccm.email_quarantine.decided_at IS 'When it was released or dropped';
COMMENT ON COLUMN ccm.email_quarantine.decided_by IS 'User of the operating system who did so';
CREATE INDEX email_quarantine_held ON ccm.email_quarantine (held_at) WHERE state = 'held';
