-- How long customers who write wait, and what was promised to them.
--
-- Every clock of a conversation is a row: one for each time that the customer waited for an answer, and one for the
-- whole. It is written by the leader of the node, which knows the hours of the queue, from the emails of the
-- conversation and the history of its state. What has ended keeps its seconds when hours or targets are changed.
--
-- Which conversations have to be looked at says their flag times_stale: each change of a conversation sets it, and only
-- who has measured it takes it away, holding the row. So nobody who changes something needs to know of clocks,
-- if he updates the conversation in the same transaction.

CREATE TABLE ccm.conversation_state (
    conversation_id uuid NOT NULL REFERENCES ccm.conversation,
    ordinal         bigint GENERATED ALWAYS AS IDENTITY,
    at              timestamptz NOT NULL,
    state           text NOT NULL,
    PRIMARY KEY (conversation_id, ordinal)
);
COMMENT ON TABLE ccm.conversation_state IS 'Every change of state of a conversation';
COMMENT ON COLUMN ccm.conversation_state.conversation_id IS 'The matter';
COMMENT ON COLUMN ccm.conversation_state.ordinal IS 'Order of the changes';
COMMENT ON COLUMN ccm.conversation_state.at IS 'When';
COMMENT ON COLUMN ccm.conversation_state.state IS 'The state from then on, as in ccm.conversation';
INSERT INTO ccm.conversation_state (conversation_id, at, state)
SELECT id, coalesce(closed_at, changed_at), state FROM ccm.conversation WHERE state <> 'open';

ALTER TABLE ccm.conversation ADD COLUMN times_stale boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN ccm.conversation.times_stale IS 'True: something has changed since ccm.service_clock was written';
CREATE INDEX conversation_times_stale ON ccm.conversation (node_id) WHERE times_stale;
CREATE INDEX conversation_opened ON ccm.conversation (opened_at);

CREATE FUNCTION ccm.conversation_times_are_stale() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NOT OLD.times_stale THEN
        NEW.times_stale := true;
    END IF;
    IF NEW.state <> OLD.state THEN
        INSERT INTO ccm.conversation_state (conversation_id, at, state)
        VALUES (NEW.id, coalesce(NEW.closed_at, NEW.changed_at), NEW.state);
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION ccm.conversation_times_are_stale() IS 'Trigger: notes changes of conversations';
CREATE TRIGGER conversation_times_are_stale
    BEFORE UPDATE ON ccm.conversation
    FOR EACH ROW EXECUTE FUNCTION ccm.conversation_times_are_stale();

CREATE FUNCTION ccm.queue_times_are_stale() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE ccm.conversation SET times_stale = true WHERE queue_id = NEW.queue_id AND state <> 'closed';
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ccm.queue_times_are_stale() IS 'Trigger: other hours or targets are other deadlines of what is not closed';
CREATE TRIGGER queue_times_are_stale
    AFTER INSERT OR UPDATE OF revision ON ccm.queue_setting
    FOR EACH ROW EXECUTE FUNCTION ccm.queue_times_are_stale();

CREATE TABLE ccm.service_clock (
    conversation_id  uuid NOT NULL REFERENCES ccm.conversation,
    goal             text NOT NULL,
    ordinal          integer NOT NULL,
    queue_id         uuid NOT NULL REFERENCES ccm.queue,
    began_at         timestamptz NOT NULL,
    ended_at         timestamptz,
    reached          boolean NOT NULL,
    seconds          bigint,
    business_seconds bigint,
    counted_seconds  bigint,
    target_seconds   bigint,
    due_at           timestamptz,
    steps            text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (conversation_id, goal, ordinal),
    CONSTRAINT service_clock_goal_known CHECK (goal IN ('first_response', 'next_response', 'resolution')),
    CONSTRAINT service_clock_ends_after_begin CHECK (ended_at >= began_at),
    CONSTRAINT service_clock_ended_has_seconds CHECK (
        (ended_at IS NULL) = (seconds IS NULL) AND (ended_at IS NULL) = (business_seconds IS NULL)
        AND (ended_at IS NULL) = (counted_seconds IS NULL)),
    CONSTRAINT service_clock_reached_has_ended CHECK (NOT reached OR ended_at IS NOT NULL)
);
COMMENT ON TABLE ccm.service_clock IS 'Times in which customers waited for an answer, or a conversation was not closed, and when that was or is due';
COMMENT ON COLUMN ccm.service_clock.conversation_id IS 'The matter';
COMMENT ON COLUMN ccm.service_clock.goal IS
    'first_response (from the first message until a person answered), next_response (from the first message after an answer), resolution (until it was last closed)';
COMMENT ON COLUMN ccm.service_clock.ordinal IS 'First, second, … wait of the conversation, from 1; of the resolution 1';
COMMENT ON COLUMN ccm.service_clock.queue_id IS 'The queue whose hours and targets hold: that of the conversation when this was last written';
COMMENT ON COLUMN ccm.service_clock.began_at IS 'Since when';
COMMENT ON COLUMN ccm.service_clock.ended_at IS 'Until when; null while it goes on';
COMMENT ON COLUMN ccm.service_clock.reached IS 'True: the customer was answered, or the conversation closed. A wait that ended with a closing and no answer is false';
COMMENT ON COLUMN ccm.service_clock.seconds IS 'How long, on the wall clock';
COMMENT ON COLUMN ccm.service_clock.business_seconds IS 'How long in the opening hours of the queue, as they were set when it ended';
COMMENT ON COLUMN ccm.service_clock.counted_seconds IS
    'What counts against the target: business_seconds; of the resolution without what the conversation waited for the customer or for a time';
COMMENT ON COLUMN ccm.service_clock.target_seconds IS 'What was promised, in business hours; null for nothing';
COMMENT ON COLUMN ccm.service_clock.due_at IS 'When the target is over; null when it never is, or when the clock has ended or stands';
COMMENT ON COLUMN ccm.service_clock.steps IS 'Escalations that were done about it';
CREATE INDEX service_clock_reached ON ccm.service_clock
    (date_bin('15 minutes', ended_at, timestamptz '2000-01-01 00:00+00'), queue_id) WHERE reached;
CREATE INDEX service_clock_due ON ccm.service_clock (due_at) WHERE ended_at IS NULL AND due_at IS NOT NULL;

ALTER TABLE ccm.work_item ADD COLUMN opened_at timestamptz;
ALTER TABLE ccm.work_item ADD COLUMN due_at timestamptz;
UPDATE ccm.work_item AS w SET opened_at = e.at FROM ccm.email AS e WHERE e.id = w.id;
ALTER TABLE ccm.work_item ALTER COLUMN opened_at SET NOT NULL;
COMMENT ON COLUMN ccm.work_item.opened_at IS 'When it came';
COMMENT ON COLUMN ccm.work_item.due_at IS 'The next deadline of its conversation; null for none';
CREATE FUNCTION ccm.work_item_opens() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.opened_at := coalesce(NEW.opened_at, NEW.arrived_at);
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION ccm.work_item_opens() IS 'Trigger: arrived_at changes, opened_at does not';
CREATE TRIGGER work_item_opens BEFORE INSERT ON ccm.work_item FOR EACH ROW EXECUTE FUNCTION ccm.work_item_opens();

-- What report.email_queue_interval and report.email_agent_day look for.
CREATE INDEX work_item_span ON ccm.work_item USING gist
    (tstzrange(opened_at, CASE WHEN done_at IS NOT NULL THEN greatest(done_at, opened_at) END));
CREATE INDEX work_item_opened ON ccm.work_item (date_bin('15 minutes', opened_at, timestamptz '2000-01-01 00:00+00'));
CREATE INDEX work_item_done ON ccm.work_item (date_bin('15 minutes', done_at, timestamptz '2000-01-01 00:00+00'))
    WHERE done_at IS NOT NULL;
CREATE INDEX work_item_done_by ON ccm.work_item (agent_id, done_at) WHERE done_at IS NOT NULL;
CREATE INDEX email_interval ON ccm.email (date_bin('15 minutes', at, timestamptz '2000-01-01 00:00+00'));
CREATE INDEX email_quarantine_interval ON ccm.email_quarantine
    (date_bin('15 minutes', held_at, timestamptz '2000-01-01 00:00+00'));
CREATE INDEX work_step_given_back ON ccm.work_step (agent_id, at) WHERE step = 'back';

-- What was promised.
ALTER TABLE ccm.queue_setting ADD COLUMN email_first_response_seconds integer;
ALTER TABLE ccm.queue_setting ADD COLUMN email_next_response_seconds integer;
ALTER TABLE ccm.queue_setting ADD COLUMN email_resolution_seconds integer;
ALTER TABLE ccm.queue_setting ADD CONSTRAINT queue_setting_email_times_in_range CHECK (
    email_first_response_seconds BETWEEN 60 AND 31536000 AND email_next_response_seconds BETWEEN 60 AND 31536000
    AND email_resolution_seconds BETWEEN 60 AND 31536000);
COMMENT ON COLUMN ccm.queue_setting.email_first_response_seconds IS 'Within how many seconds of opening hours whoever writes is answered first';
COMMENT ON COLUMN ccm.queue_setting.email_next_response_seconds IS 'Within how many seconds of opening hours a further message is answered';
COMMENT ON COLUMN ccm.queue_setting.email_resolution_seconds IS
    'Within how many seconds of opening hours a conversation is closed, without those in which it waits for the customer';
