-- What sending needs: where a mailbox's place was taken, numbers of conversations, and what people decided about
-- messages that nobody can tell of.

-- UIDs are those of one folder of one account. What was known of them before sources were written down counts as
-- another source: all messages are looked at again, and known by their content.
ALTER TABLE ccm.mailbox ADD COLUMN source text NOT NULL DEFAULT '';
COMMENT ON COLUMN ccm.mailbox.source IS
    'Which folder of whose account uid_validity and next_uid are about, as an IMAP URL; empty before it was first looked into';
COMMENT ON COLUMN ccm.mailbox.next_uid IS 'Every message below this UID, under this UIDVALIDITY of this source, was taken';
ALTER TABLE ccm.email_place ADD COLUMN source text NOT NULL DEFAULT '';
COMMENT ON COLUMN ccm.email_place.source IS 'The folder, as in ccm.mailbox';
ALTER TABLE ccm.email_place DROP CONSTRAINT email_place_pkey;
ALTER TABLE ccm.email_place ADD PRIMARY KEY (mailbox_id, source, uid_validity, uid);
DROP INDEX ccm.email_place_unmarked;
CREATE INDEX email_place_unmarked ON ccm.email_place (mailbox_id, source, uid_validity, uid) WHERE NOT marked;

ALTER TABLE ccm.conversation ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY;
ALTER TABLE ccm.conversation ADD CONSTRAINT conversation_number_unique UNIQUE (number);
COMMENT ON COLUMN ccm.conversation.number IS 'A short number for people to name it by. It proves nothing; there are gaps';

ALTER TABLE ccm.outbox
    ADD COLUMN decision text,
    ADD COLUMN decided_at timestamptz,
    ADD COLUMN decided_by text,
    ADD CONSTRAINT outbox_decision_known CHECK (decision IN ('retry', 'drop', 'sent')),
    ADD CONSTRAINT outbox_decided CHECK (
        (decision IS NULL) = (decided_at IS NULL) AND (decision IS NULL) = (decided_by IS NULL));
COMMENT ON COLUMN ccm.outbox.decision IS
    'What somebody last decided about it: retry (send it again), drop (do not send it), sent (it did arrive)';
COMMENT ON COLUMN ccm.outbox.decided_at IS 'When; a retry counts its time to give up from here';
COMMENT ON COLUMN ccm.outbox.decided_by IS 'User of the operating system who did so';
COMMENT ON COLUMN ccm.outbox.attempts IS 'Times that it was claimed, since it was put here or last queued again by hand';
CREATE INDEX outbox_put ON ccm.outbox (put_at);
CREATE INDEX outbox_failed ON ccm.outbox (node_id, done_at) WHERE state = 'failed';
