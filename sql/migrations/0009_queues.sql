-- Settings of queues: opening hours, overflow, announcements, priorities; and who was turned away.
--
-- `ccm queue …` edits these rows; the daemon that leads the node writes what follows from them into
-- Asterisk's AstDB, where asterisk/dialplan/ccm-queues.conf reads it. Every edit raises the revision of
-- the queue in the same transaction, which is what the daemon looks at; queue_applied says how far it is.

CREATE DOMAIN ccm.day_hours AS text
    CONSTRAINT day_hours_are_spans CHECK (VALUE ~
        '^(([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)(,(?=.)|$))*$');
COMMENT ON DOMAIN ccm.day_hours IS
    'Hours of one day, such as 09:00-12:00,13:00-18:00; empty for closed. An end that is not after the begin is on the next day';

CREATE TABLE ccm.queue_setting (
    queue_id                   uuid PRIMARY KEY REFERENCES ccm.queue,
    revision                   bigint NOT NULL DEFAULT 0,
    time_zone                  text,
    weekly                     boolean NOT NULL DEFAULT false,
    closed_sound               text,
    closed_to                  text,
    recording_sound            text,
    max_waiting                integer,
    max_estimated_wait_seconds integer,
    max_wait_seconds           integer,
    overflow_to                text,
    max_penalty                integer,
    CONSTRAINT queue_setting_limits_in_range CHECK (max_waiting BETWEEN 1 AND 100000
        AND max_estimated_wait_seconds BETWEEN 1 AND 86400 AND max_wait_seconds BETWEEN 1 AND 86400
        AND max_penalty BETWEEN 0 AND 1000000),
    CONSTRAINT queue_setting_sounds_are_names CHECK (closed_sound ~ '^[A-Za-z0-9_/-]{1,100}$'
        AND recording_sound ~ '^[A-Za-z0-9_/-]{1,100}$'),
    CONSTRAINT queue_setting_destinations_known CHECK (
        closed_to ~ '^(continue|hangup|queue:.+|extension:[0-9A-Za-z*#+]+)$'
        AND overflow_to ~ '^(continue|hangup|queue:.+|extension:[0-9A-Za-z*#+]+)$')
);
COMMENT ON TABLE ccm.queue_setting IS 'What `ccm queue set` sets of a queue; null is the default, which changes nothing';
COMMENT ON COLUMN ccm.queue_setting.queue_id IS 'The queue';
COMMENT ON COLUMN ccm.queue_setting.revision IS 'Raised by every edit of this row or of the tables below';
COMMENT ON COLUMN ccm.queue_setting.time_zone IS 'IANA name of the zone of hours and holidays; null is UTC';
COMMENT ON COLUMN ccm.queue_setting.weekly IS 'Whether queue_hours holds; false: open at every hour';
COMMENT ON COLUMN ccm.queue_setting.closed_sound IS 'Sound that is played to callers when closed';
COMMENT ON COLUMN ccm.queue_setting.closed_to IS
    'Where callers go when closed: queue:NAME, extension:NUMBER, hangup, continue (the dialplan behind the Gosub, the default)';
COMMENT ON COLUMN ccm.queue_setting.recording_sound IS 'Sound that tells callers of the recording, before they join';
COMMENT ON COLUMN ccm.queue_setting.max_waiting IS 'Nobody joins while so many wait';
COMMENT ON COLUMN ccm.queue_setting.max_estimated_wait_seconds IS 'Nobody joins whose wait would be longer by estimate';
COMMENT ON COLUMN ccm.queue_setting.max_wait_seconds IS 'Who has waited so long leaves the queue';
COMMENT ON COLUMN ccm.queue_setting.overflow_to IS 'Where those go who do not join or have to leave; as closed_to';
COMMENT ON COLUMN ccm.queue_setting.max_penalty IS 'Only members up to this penalty are rung (QUEUE_MAX_PENALTY)';

CREATE TABLE ccm.queue_hours (
    queue_id uuid NOT NULL REFERENCES ccm.queue,
    weekday  smallint NOT NULL,
    hours    ccm.day_hours NOT NULL,
    PRIMARY KEY (queue_id, weekday),
    CONSTRAINT queue_hours_weekday_known CHECK (weekday BETWEEN 1 AND 7)
);
COMMENT ON TABLE ccm.queue_hours IS 'Weekly hours of queues; a day without a row is closed';
COMMENT ON COLUMN ccm.queue_hours.queue_id IS 'The queue';
COMMENT ON COLUMN ccm.queue_hours.weekday IS '1 is Monday, 7 is Sunday';
COMMENT ON COLUMN ccm.queue_hours.hours IS 'Its hours, in the queue''s time zone';

CREATE TABLE ccm.queue_holiday (
    queue_id uuid NOT NULL REFERENCES ccm.queue,
    day      date NOT NULL,
    yearly   boolean NOT NULL DEFAULT false,
    name     text NOT NULL DEFAULT '',
    hours    ccm.day_hours NOT NULL DEFAULT '',
    PRIMARY KEY (queue_id, day, yearly)
);
COMMENT ON TABLE ccm.queue_holiday IS 'Days on which a queue is closed or has other hours than in other weeks';
COMMENT ON COLUMN ccm.queue_holiday.queue_id IS 'The queue';
COMMENT ON COLUMN ccm.queue_holiday.day IS 'The day';
COMMENT ON COLUMN ccm.queue_holiday.yearly IS 'True: this day of every year; the year does not matter then';
COMMENT ON COLUMN ccm.queue_holiday.name IS 'What day it is';
COMMENT ON COLUMN ccm.queue_holiday.hours IS 'Hours of that day; empty for closed';

CREATE TABLE ccm.queue_by_hand (
    id            uuid PRIMARY KEY DEFAULT ccm.uuid7(),
    queue_id      uuid NOT NULL REFERENCES ccm.queue,
    opened        boolean NOT NULL,
    since         timestamptz NOT NULL,
    until         timestamptz,
    given_by      text NOT NULL,
    given_at      timestamptz NOT NULL DEFAULT now(),
    taken_back_at timestamptz,
    CONSTRAINT queue_by_hand_ends_after_begin CHECK (until > since)
);
COMMENT ON TABLE ccm.queue_by_hand IS 'Queues that somebody opened or closed for a time; where several hold, the newest does';
COMMENT ON COLUMN ccm.queue_by_hand.id IS 'UUIDv7: sorts by time of giving';
COMMENT ON COLUMN ccm.queue_by_hand.queue_id IS 'The queue';
COMMENT ON COLUMN ccm.queue_by_hand.opened IS 'True: opened; false: closed';
COMMENT ON COLUMN ccm.queue_by_hand.since IS 'From when on';
COMMENT ON COLUMN ccm.queue_by_hand.until IS 'Until when; null: until it is taken back';
COMMENT ON COLUMN ccm.queue_by_hand.given_by IS 'User of the operating system';
COMMENT ON COLUMN ccm.queue_by_hand.given_at IS 'When it was given';
COMMENT ON COLUMN ccm.queue_by_hand.taken_back_at IS 'When it was taken back; null while it stands';
CREATE INDEX queue_by_hand_standing ON ccm.queue_by_hand (queue_id) WHERE taken_back_at IS NULL;

CREATE TABLE ccm.queue_priority (
    queue_id uuid NOT NULL REFERENCES ccm.queue,
    kind     text NOT NULL,
    number   text NOT NULL,
    priority integer NOT NULL,
    note     text NOT NULL DEFAULT '',
    PRIMARY KEY (queue_id, kind, number),
    CONSTRAINT queue_priority_kind_known CHECK (kind IN ('did', 'caller')),
    CONSTRAINT queue_priority_number_is_digits CHECK (number ~ '^[+]?[0-9]{1,32}$'),
    CONSTRAINT queue_priority_in_range CHECK (priority BETWEEN 0 AND 1000)
);
COMMENT ON TABLE ccm.queue_priority IS 'Who is answered before others; the highest of caller and DID holds, everybody else has 0';
COMMENT ON COLUMN ccm.queue_priority.queue_id IS 'The queue';
COMMENT ON COLUMN ccm.queue_priority.kind IS 'did (the number that was dialled) or caller';
COMMENT ON COLUMN ccm.queue_priority.number IS 'The number as Asterisk has it: digits, perhaps with a + before them';
COMMENT ON COLUMN ccm.queue_priority.priority IS 'QUEUE_PRIO: higher is answered first';
COMMENT ON COLUMN ccm.queue_priority.note IS 'Whose number it is';

CREATE TABLE ccm.queue_change (
    id         uuid PRIMARY KEY DEFAULT ccm.uuid7(),
    queue_id   uuid NOT NULL REFERENCES ccm.queue,
    revision   bigint NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    changed_by text NOT NULL,
    what       text NOT NULL,
    before     text,
    after      text
);
COMMENT ON TABLE ccm.queue_change IS 'History of the settings of queues; rows are never changed';
COMMENT ON COLUMN ccm.queue_change.id IS 'UUIDv7: sorts by time';
COMMENT ON COLUMN ccm.queue_change.queue_id IS 'The queue';
COMMENT ON COLUMN ccm.queue_change.revision IS 'Revision that the edit made';
COMMENT ON COLUMN ccm.queue_change.changed_at IS 'When it was changed';
COMMENT ON COLUMN ccm.queue_change.changed_by IS 'User of the operating system who changed it';
COMMENT ON COLUMN ccm.queue_change.what IS 'Setting, or which holiday, number or list';
COMMENT ON COLUMN ccm.queue_change.before IS 'Value before; null when there was none';
COMMENT ON COLUMN ccm.queue_change.after IS 'Value from then on; null when there is none';
CREATE INDEX queue_change_queue ON ccm.queue_change (queue_id, id);
CREATE TRIGGER queue_change_append_only
    BEFORE UPDATE OR DELETE ON ccm.queue_change
    FOR EACH ROW EXECUTE FUNCTION ccm.refuse_change();

CREATE TABLE ccm.queue_applied (
    queue_id   uuid PRIMARY KEY REFERENCES ccm.queue,
    revision   bigint NOT NULL,
    applied_at timestamptz,
    error      text NOT NULL DEFAULT '',
    told_at    timestamptz NOT NULL
);
COMMENT ON TABLE ccm.queue_applied IS 'Which revision of a queue''s settings Asterisk has';
COMMENT ON COLUMN ccm.queue_applied.queue_id IS 'The queue';
COMMENT ON COLUMN ccm.queue_applied.revision IS 'The newest revision that was tried';
COMMENT ON COLUMN ccm.queue_applied.applied_at IS 'When that was found to be in Asterisk whole; null while it is not';
COMMENT ON COLUMN ccm.queue_applied.error IS 'Why it is not, in words; empty otherwise';
COMMENT ON COLUMN ccm.queue_applied.told_at IS 'When this was told';

-- Callers whom the dialplan library turned away before they joined. The same thing arrives as an event and
-- as a row of queue_log; the id is made of what both carry.
CREATE TABLE ccm.queue_turned_away (
    id          uuid PRIMARY KEY,
    queue_id    uuid NOT NULL REFERENCES ccm.queue,
    call        text NOT NULL,
    at          timestamptz NOT NULL,
    why         text NOT NULL,
    destination text NOT NULL,
    caller      text NOT NULL,
    did         text NOT NULL,
    CONSTRAINT queue_turned_away_why_known CHECK (why IN ('closed', 'waiting', 'estimated_wait'))
);
COMMENT ON TABLE ccm.queue_turned_away IS 'Callers who did not join a queue, since it was closed or too many waited';
COMMENT ON COLUMN ccm.queue_turned_away.id IS 'Hash of node, call and turn, so that it counts once';
COMMENT ON COLUMN ccm.queue_turned_away.queue_id IS 'The queue that they did not join';
COMMENT ON COLUMN ccm.queue_turned_away.call IS 'Unique id of the caller''s channel';
COMMENT ON COLUMN ccm.queue_turned_away.at IS 'When';
COMMENT ON COLUMN ccm.queue_turned_away.why IS 'closed, waiting (too many waited), estimated_wait';
COMMENT ON COLUMN ccm.queue_turned_away.destination IS 'Where they were sent: queue:NAME, extension:NUMBER, hangup or continue';
COMMENT ON COLUMN ccm.queue_turned_away.caller IS 'Digits of the caller''s number; empty when withheld';
COMMENT ON COLUMN ccm.queue_turned_away.did IS 'Digits of the number that was dialled';
CREATE INDEX queue_turned_away_at ON ccm.queue_turned_away (at, queue_id);

CREATE FUNCTION ccm.turned_away_id(node text, call text, turn text) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT md5(node || E'\n' || call || E'\n' || turn)::uuid $$;
COMMENT ON FUNCTION ccm.turned_away_id(text, text, text) IS
    'Id of the row for that turn (count of queues that the library tried) of that call on that node';

-- Data of the row: turn, why, destination, caller, DID (asterisk/dialplan/ccm-queues.conf).
CREATE FUNCTION ccm.queue_log_row_turns_away() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NEW.data[2] IN ('closed', 'waiting', 'estimated_wait') AND NEW.data[1] ~ '^[0-9]{1,4}$' THEN
        INSERT INTO ccm.queue (node_id, name) VALUES (NEW.node_id, NEW.queue)
        ON CONFLICT (node_id, name) DO NOTHING;
        INSERT INTO ccm.queue_turned_away (id, queue_id, call, at, why, destination, caller, did)
        SELECT ccm.turned_away_id(n.name, NEW.call, NEW.data[1]), q.id, NEW.call, NEW.at, NEW.data[2],
            coalesce(NEW.data[3], ''), coalesce(NEW.data[4], ''), coalesce(NEW.data[5], '')
        FROM ccm.queue AS q JOIN ccm.node AS n ON n.id = q.node_id
        WHERE q.node_id = NEW.node_id AND q.name = NEW.queue
        ON CONFLICT (id) DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ccm.queue_log_row_turns_away() IS 'Trigger: the row that the dialplan library writes for a caller who does not join';
CREATE TRIGGER queue_log_row_turns_away
    AFTER INSERT ON ccm.queue_log_row
    FOR EACH ROW WHEN (NEW.event IN ('CCMCLOSED', 'CCMOVERFLOW'))
    EXECUTE FUNCTION ccm.queue_log_row_turns_away();
