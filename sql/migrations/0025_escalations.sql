-- Escalation: what is done before the time of an email is over, each once for each deadline.
ALTER TABLE ccm.queue_setting ADD COLUMN email_escalate_before_seconds integer;
ALTER TABLE ccm.queue_setting ADD COLUMN email_escalate_to text;
ALTER TABLE ccm.queue_setting ADD COLUMN email_take_back boolean;
ALTER TABLE ccm.queue_setting ADD CONSTRAINT queue_setting_email_before_in_range
    CHECK (email_escalate_before_seconds BETWEEN 60 AND 31536000);
COMMENT ON COLUMN ccm.queue_setting.email_escalate_before_seconds IS
    'So many seconds of opening hours before an email is due email_escalate_to is done; null: when it is due';
COMMENT ON COLUMN ccm.queue_setting.email_escalate_to IS 'What is done then: priority=N, queue:NAME, notify:ADDRESS, separated by commas';
COMMENT ON COLUMN ccm.queue_setting.email_take_back IS
    'True: an email that an agent has in hand when it is due goes back to its queue. False or null: it stays with him';

ALTER TABLE ccm.service_clock ADD COLUMN warn_at timestamptz;
COMMENT ON COLUMN ccm.service_clock.warn_at IS 'When the escalation before due_at is to be done; null where due_at is';
CREATE INDEX service_clock_warn ON ccm.service_clock (warn_at)
    WHERE ended_at IS NULL AND warn_at IS NOT NULL AND NOT steps @> '{warned,overdue}';
COMMENT ON COLUMN ccm.service_clock.steps IS 'Escalations that were done about it: warned (before it was due), overdue (when it was)';
UPDATE ccm.conversation SET times_stale = true WHERE state <> 'closed';

ALTER TABLE ccm.outbox DROP CONSTRAINT outbox_kind_known;
ALTER TABLE ccm.outbox ADD CONSTRAINT outbox_kind_known
    CHECK (kind IN ('answer', 'acknowledgement', 'relay', 'receipt', 'notice'));
COMMENT ON COLUMN ccm.outbox.kind IS
    'answer or acknowledgement to a customer; relay (a customer''s message) or receipt (what became of a command) to an agent; notice (an email is nearly due, or overdue) to a supervisor';
