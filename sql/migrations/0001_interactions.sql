-- The tables of a contact center: interactions and what belongs to them, agents, queues, recordings.
--
-- How rows come in. The daemon writes facts (ccmiddleware/facts.py). An interaction_event is inserted
-- once and never changed; every other row is replaced as a whole when a fact with a higher version
-- arrives, so that a fact may be told any number of times, in any order, with the same end.
--
-- Ids and partitions. An interaction's id is a UUIDv7 whose leading 48 bits are the Unix milliseconds
-- at which it began. UUIDs sort by those bits, so tables that grow for ever are partitioned by ranges
-- of interaction_id, one for each month, and a primary key on (interaction_id, …) is still unique over
-- all of them. Rows whose id holds no usable time land in the default partition.

CREATE SCHEMA IF NOT EXISTS ccm;
CREATE SCHEMA IF NOT EXISTS report;
COMMENT ON SCHEMA ccm IS 'ccmiddleware: tables, written by the daemon alone';
COMMENT ON SCHEMA report IS 'ccmiddleware: views for analysts; stable names, every column commented';

-- Postgres before 18 has no uuidv7().
CREATE FUNCTION ccm.uuid7() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
AS $$
    SELECT encode(
        set_bit(set_bit(
            overlay(uuid_send(gen_random_uuid())
                PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
                FROM 1 FOR 6),
            52, 1), 53, 1),
        'hex')::uuid
$$;
COMMENT ON FUNCTION ccm.uuid7() IS 'A random UUIDv7 (RFC 9562) of the present millisecond';

CREATE FUNCTION ccm.uuid7_bound(at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid
$$;
COMMENT ON FUNCTION ccm.uuid7_bound(timestamptz) IS
    'The smallest UUID whose leading 48 bits are that time: the id bound for "interactions since"';

CREATE TABLE ccm.node (
    id          uuid PRIMARY KEY DEFAULT ccm.uuid7(),
    name        text NOT NULL,
    link        text NOT NULL DEFAULT 'never',
    link_since  timestamptz,
    link_reason text NOT NULL DEFAULT '',
    version     text NOT NULL DEFAULT '',
    CONSTRAINT node_name_unique UNIQUE (name),
    CONSTRAINT node_link_known CHECK (link IN ('never', 'up', 'down'))
);
COMMENT ON TABLE ccm.node IS 'One Asterisk server';
COMMENT ON COLUMN ccm.node.id IS 'UUIDv7';
COMMENT ON COLUMN ccm.node.name IS 'Name of the node in the configuration';
COMMENT ON COLUMN ccm.node.link IS 'Manager link as last seen: never, up or down';
COMMENT ON COLUMN ccm.node.link_since IS 'When the link came into this state';
COMMENT ON COLUMN ccm.node.link_reason IS 'Why the link is down, in words';
COMMENT ON COLUMN ccm.node.version IS 'Version of Asterisk, as it reports it';

CREATE TABLE ccm.queue (
    id                    uuid PRIMARY KEY DEFAULT ccm.uuid7(),
    node_id               uuid NOT NULL REFERENCES ccm.node,
    name                  text NOT NULL,
    strategy              text NOT NULL DEFAULT '',
    service_level_seconds integer NOT NULL DEFAULT 20,
    seen_at               timestamptz,
    CONSTRAINT queue_name_unique UNIQUE (node_id, name),
    CONSTRAINT queue_service_level_positive CHECK (service_level_seconds > 0)
);
COMMENT ON TABLE ccm.queue IS 'A queue of app_queue on one node';
COMMENT ON COLUMN ccm.queue.id IS 'UUIDv7';
COMMENT ON COLUMN ccm.queue.node_id IS 'The node it belongs to';
COMMENT ON COLUMN ccm.queue.name IS 'Name in queues.conf';
COMMENT ON COLUMN ccm.queue.strategy IS 'Ring strategy, as Asterisk reports it';
COMMENT ON COLUMN ccm.queue.service_level_seconds IS 'T of the service level columns, in seconds';
COMMENT ON COLUMN ccm.queue.seen_at IS 'When Asterisk last listed it';

CREATE TABLE ccm.agent (
    id        uuid PRIMARY KEY DEFAULT ccm.uuid7(),
    node_id   uuid NOT NULL REFERENCES ccm.node,
    interface text NOT NULL,
    name      text NOT NULL DEFAULT '',
    seen_at   timestamptz,
    CONSTRAINT agent_interface_unique UNIQUE (node_id, interface)
);
COMMENT ON TABLE ccm.agent IS 'A person who takes interactions, known by the interface of the phone';
COMMENT ON COLUMN ccm.agent.id IS 'UUIDv7';
COMMENT ON COLUMN ccm.agent.node_id IS 'The node on which the interface is';
COMMENT ON COLUMN ccm.agent.interface IS 'Interface of the queue member, such as PJSIP/1001';
COMMENT ON COLUMN ccm.agent.name IS 'Member name; the interface where none is set';
COMMENT ON COLUMN ccm.agent.seen_at IS 'When the name was last told';

CREATE TABLE ccm.queue_member (
    queue_id     uuid NOT NULL REFERENCES ccm.queue,
    agent_id     uuid NOT NULL REFERENCES ccm.agent,
    at           timestamptz NOT NULL,
    member       boolean NOT NULL,
    penalty      integer NOT NULL DEFAULT 0,
    paused       boolean NOT NULL DEFAULT false,
    pause_reason text NOT NULL DEFAULT '',
    PRIMARY KEY (queue_id, agent_id)
);
COMMENT ON TABLE ccm.queue_member IS 'Present membership of agents in queues';
COMMENT ON COLUMN ccm.queue_member.queue_id IS 'The queue';
COMMENT ON COLUMN ccm.queue_member.agent_id IS 'The agent';
COMMENT ON COLUMN ccm.queue_member.at IS 'When this was last told; the newest telling holds';
COMMENT ON COLUMN ccm.queue_member.member IS 'False once the member was removed';
COMMENT ON COLUMN ccm.queue_member.penalty IS 'Penalty of the member in this queue';
COMMENT ON COLUMN ccm.queue_member.paused IS 'Paused in this queue';
COMMENT ON COLUMN ccm.queue_member.pause_reason IS 'Reason given with the pause';

CREATE TABLE ccm.interaction (
    id          uuid PRIMARY KEY,
    version     integer NOT NULL,
    node_id     uuid NOT NULL REFERENCES ccm.node,
    channel     text NOT NULL,
    direction   text NOT NULL,
    state       text NOT NULL,
    linkedid    text NOT NULL,
    uniqueid    text NOT NULL,
    caller_num  text NOT NULL,
    caller_name text NOT NULL,
    did         text NOT NULL,
    started_at  timestamptz NOT NULL,
    ended_at    timestamptz,
    outcome     text,
    inferred    boolean NOT NULL,
    CONSTRAINT interaction_channel_known CHECK (channel IN ('voice', 'email', 'callback')),
    CONSTRAINT interaction_direction_known CHECK (direction IN ('inbound', 'outbound', 'internal')),
    CONSTRAINT interaction_state_known CHECK (state IN ('waiting', 'ringing', 'talking', 'left', 'ended')),
    CONSTRAINT interaction_outcome_known CHECK (outcome IN
        ('answered', 'abandoned', 'timed_out', 'left_by_key', 'no_agents', 'queue_full', 'withdrawn', 'moved',
         'not_answered', 'busy', 'failed', 'lost')),
    CONSTRAINT interaction_ended_has_outcome CHECK ((state = 'ended') = (ended_at IS NOT NULL)
        AND (state <> 'ended' OR outcome IS NOT NULL)),
    CONSTRAINT interaction_ends_after_start CHECK (ended_at >= started_at)
) PARTITION BY RANGE (id);
COMMENT ON TABLE ccm.interaction IS 'One contact of one customer over one channel';
COMMENT ON COLUMN ccm.interaction.id IS 'UUIDv7 computed from node and linked id: the same call has the same id';
COMMENT ON COLUMN ccm.interaction.version IS 'Grows with each change; an older version never replaces a newer one';
COMMENT ON COLUMN ccm.interaction.node_id IS 'The Asterisk it came in on';
COMMENT ON COLUMN ccm.interaction.channel IS 'voice, email or callback';
COMMENT ON COLUMN ccm.interaction.direction IS 'inbound, outbound or internal';
COMMENT ON COLUMN ccm.interaction.state IS 'waiting in a queue, ringing an agent or an outside number without one, talking to an agent, left (neither of these), or ended';
COMMENT ON COLUMN ccm.interaction.linkedid IS 'Asterisk''s linked id, which all legs of the call share';
COMMENT ON COLUMN ccm.interaction.uniqueid IS 'Unique id of the customer''s channel';
COMMENT ON COLUMN ccm.interaction.caller_num IS 'Caller''s number as Asterisk had it; empty when withheld';
COMMENT ON COLUMN ccm.interaction.caller_name IS 'Caller''s name, plain text, as the caller''s side sent it: not to be trusted';
COMMENT ON COLUMN ccm.interaction.did IS 'Number that was dialled';
COMMENT ON COLUMN ccm.interaction.started_at IS 'When the customer''s channel appeared, or the first we saw of it';
COMMENT ON COLUMN ccm.interaction.ended_at IS 'When the customer''s channel was gone; null while it lasts';
COMMENT ON COLUMN ccm.interaction.outcome IS 'answered when any agent talked to the customer, else how the last queue was left, or for a call without a queue not_answered, busy, failed or abandoned';
COMMENT ON COLUMN ccm.interaction.inferred IS 'True when some of this was concluded and not seen';

CREATE TABLE ccm.interaction_event (
    interaction_id uuid NOT NULL,
    key            text NOT NULL,
    kind           text NOT NULL,
    at             timestamptz NOT NULL,
    inferred       boolean NOT NULL,
    data           jsonb NOT NULL,
    PRIMARY KEY (interaction_id, key)
) PARTITION BY RANGE (interaction_id);
COMMENT ON TABLE ccm.interaction_event IS 'The history of each interaction; rows are never changed';
COMMENT ON COLUMN ccm.interaction_event.interaction_id IS 'The interaction';
COMMENT ON COLUMN ccm.interaction_event.key IS 'Idempotency key: telling the same thing twice changes nothing';
COMMENT ON COLUMN ccm.interaction_event.kind IS 'What happened, such as joined, offered, answered';
COMMENT ON COLUMN ccm.interaction_event.at IS 'When it happened';
COMMENT ON COLUMN ccm.interaction_event.inferred IS 'True when concluded and not seen';
COMMENT ON COLUMN ccm.interaction_event.data IS 'Particulars, by kind';

CREATE FUNCTION ccm.refuse_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only', TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;
COMMENT ON FUNCTION ccm.refuse_change() IS 'Trigger of append-only tables';
CREATE TRIGGER interaction_event_append_only
    BEFORE UPDATE OR DELETE ON ccm.interaction_event
    FOR EACH ROW EXECUTE FUNCTION ccm.refuse_change();

CREATE TABLE ccm.queue_visit (
    interaction_id uuid NOT NULL,
    ordinal        smallint NOT NULL,
    version        integer NOT NULL,
    queue_id       uuid NOT NULL REFERENCES ccm.queue,
    position       integer NOT NULL,
    joined_at      timestamptz NOT NULL,
    answered_at    timestamptz,
    left_at        timestamptz,
    outcome        text,
    inferred       boolean NOT NULL,
    PRIMARY KEY (interaction_id, ordinal),
    CONSTRAINT queue_visit_outcome_known CHECK (outcome IN
        ('answered', 'abandoned', 'timed_out', 'left_by_key', 'no_agents', 'queue_full', 'withdrawn', 'moved',
         'not_answered', 'busy', 'failed', 'lost')),
    CONSTRAINT queue_visit_left_has_outcome CHECK ((left_at IS NULL) = (outcome IS NULL)),
    CONSTRAINT queue_visit_answered_is_outcome CHECK ((outcome = 'answered') = (answered_at IS NOT NULL)
        OR outcome IS NULL),
    CONSTRAINT queue_visit_leaves_after_joining CHECK (left_at >= joined_at AND answered_at >= joined_at)
) PARTITION BY RANGE (interaction_id);
COMMENT ON TABLE ccm.queue_visit IS 'One stay of an interaction in one queue';
COMMENT ON COLUMN ccm.queue_visit.interaction_id IS 'The interaction';
COMMENT ON COLUMN ccm.queue_visit.ordinal IS 'First, second, … queue of this interaction, from 1';
COMMENT ON COLUMN ccm.queue_visit.version IS 'Grows with each change';
COMMENT ON COLUMN ccm.queue_visit.queue_id IS 'The queue';
COMMENT ON COLUMN ccm.queue_visit.position IS 'Position on joining; 1 is the head';
COMMENT ON COLUMN ccm.queue_visit.joined_at IS 'When it joined';
COMMENT ON COLUMN ccm.queue_visit.answered_at IS 'When an agent answered; null when none did';
COMMENT ON COLUMN ccm.queue_visit.left_at IS 'When it stopped waiting: answered or left; null while it waits';
COMMENT ON COLUMN ccm.queue_visit.outcome IS 'How the stay ended; null while it waits; moved when an agent had waited for the customer, who took over the place';
COMMENT ON COLUMN ccm.queue_visit.inferred IS 'True when some of this was concluded and not seen';

CREATE TABLE ccm.offer (
    interaction_id uuid NOT NULL,
    ordinal        integer NOT NULL,
    version        integer NOT NULL,
    visit          smallint NOT NULL,
    agent_id       uuid NOT NULL REFERENCES ccm.agent,
    offered_at     timestamptz NOT NULL,
    ended_at       timestamptz,
    outcome        text,
    PRIMARY KEY (interaction_id, ordinal),
    CONSTRAINT offer_outcome_known CHECK (outcome IN
        ('answered', 'ring_no_answer', 'other_answered', 'caller_gone', 'lost')),
    CONSTRAINT offer_ended_has_outcome CHECK ((ended_at IS NULL) = (outcome IS NULL)),
    CONSTRAINT offer_ends_after_start CHECK (ended_at >= offered_at)
) PARTITION BY RANGE (interaction_id);
COMMENT ON TABLE ccm.offer IS 'One ringing of one agent for one visit';
COMMENT ON COLUMN ccm.offer.interaction_id IS 'The interaction';
COMMENT ON COLUMN ccm.offer.ordinal IS 'First, second, … offer of this interaction, from 1';
COMMENT ON COLUMN ccm.offer.version IS 'Grows with each change';
COMMENT ON COLUMN ccm.offer.visit IS 'Ordinal of the visit for which a queue rang; 0 for a call without a queue';
COMMENT ON COLUMN ccm.offer.agent_id IS 'The agent whose phone rang';
COMMENT ON COLUMN ccm.offer.offered_at IS 'When it began to ring';
COMMENT ON COLUMN ccm.offer.ended_at IS 'When it stopped; null while it rings';
COMMENT ON COLUMN ccm.offer.outcome IS
    'answered; ring_no_answer; other_answered (ring-all); caller_gone; lost (not seen); null while it rings';

CREATE TABLE ccm.segment (
    interaction_id  uuid NOT NULL,
    ordinal         smallint NOT NULL,
    version         integer NOT NULL,
    visit           smallint NOT NULL,
    agent_id        uuid NOT NULL REFERENCES ccm.agent,
    channel         text NOT NULL,
    agent_channel   text NOT NULL,
    offered_at      timestamptz NOT NULL,
    answered_at     timestamptz NOT NULL,
    ended_at        timestamptz,
    ended_by        text,
    hold_seconds    double precision NOT NULL,
    wrap_up_seconds double precision NOT NULL,
    inferred        boolean NOT NULL,
    PRIMARY KEY (interaction_id, ordinal),
    CONSTRAINT segment_ended_by_known CHECK (ended_by IN ('caller', 'agent', 'transfer', 'lost')),
    CONSTRAINT segment_ended_has_by CHECK ((ended_at IS NULL) = (ended_by IS NULL)),
    CONSTRAINT segment_in_order CHECK (answered_at >= offered_at AND ended_at >= answered_at),
    CONSTRAINT segment_hold_not_negative CHECK (hold_seconds >= 0 AND wrap_up_seconds >= 0)
) PARTITION BY RANGE (interaction_id);
COMMENT ON TABLE ccm.segment IS 'The part of an interaction that one agent handled';
COMMENT ON COLUMN ccm.segment.interaction_id IS 'The interaction';
COMMENT ON COLUMN ccm.segment.ordinal IS 'First, second, … segment of this interaction, from 1';
COMMENT ON COLUMN ccm.segment.version IS 'Grows with each change';
COMMENT ON COLUMN ccm.segment.visit IS 'Ordinal of the visit it came from, directly or by transfer; 0 for a call without a queue';
COMMENT ON COLUMN ccm.segment.agent_id IS 'The agent';
COMMENT ON COLUMN ccm.segment.channel IS 'Customer''s channel name in Asterisk';
COMMENT ON COLUMN ccm.segment.agent_channel IS 'Agent''s channel name in Asterisk';
COMMENT ON COLUMN ccm.segment.offered_at IS 'When this agent''s phone began to ring';
COMMENT ON COLUMN ccm.segment.answered_at IS 'When the agent answered';
COMMENT ON COLUMN ccm.segment.ended_at IS 'When the talk ended; null while it lasts';
COMMENT ON COLUMN ccm.segment.ended_by IS 'caller, agent, transfer, or lost (the end was not seen)';
COMMENT ON COLUMN ccm.segment.hold_seconds IS 'Seconds the customer was on hold during the talk; part of it';
COMMENT ON COLUMN ccm.segment.wrap_up_seconds IS 'Seconds of wrap-up after the talk, as set for the member';
COMMENT ON COLUMN ccm.segment.inferred IS 'True when some of this was concluded and not seen';

CREATE TABLE ccm.recording (
    interaction_id uuid NOT NULL,
    segment        smallint NOT NULL,
    version        integer NOT NULL,
    node_id        uuid NOT NULL REFERENCES ccm.node,
    state          text NOT NULL,
    path           text NOT NULL,
    started_at     timestamptz NOT NULL,
    ended_at       timestamptz,
    seconds        double precision,
    bytes          bigint,
    sha256         text,
    error          text NOT NULL,
    PRIMARY KEY (interaction_id, segment),
    CONSTRAINT recording_state_known CHECK (state IN
        ('expected', 'recording', 'finished', 'missing', 'failed')),
    CONSTRAINT recording_finished_is_whole CHECK (state <> 'finished'
        OR (seconds IS NOT NULL AND bytes IS NOT NULL AND sha256 ~ '^[0-9a-f]{64}$'))
) PARTITION BY RANGE (interaction_id);
COMMENT ON TABLE ccm.recording IS 'The recording of one segment';
COMMENT ON COLUMN ccm.recording.interaction_id IS 'The interaction';
COMMENT ON COLUMN ccm.recording.segment IS 'Ordinal of the segment';
COMMENT ON COLUMN ccm.recording.version IS 'Grows with each change';
COMMENT ON COLUMN ccm.recording.node_id IS 'The node whose recording directory holds the file';
COMMENT ON COLUMN ccm.recording.state IS
    'expected (asked for), recording, finished, missing (should exist and does not), failed (Asterisk refused)';
COMMENT ON COLUMN ccm.recording.path IS 'File, relative to the node''s recording directory';
COMMENT ON COLUMN ccm.recording.started_at IS 'When recording was asked for';
COMMENT ON COLUMN ccm.recording.ended_at IS 'When the talk ended';
COMMENT ON COLUMN ccm.recording.seconds IS 'Length of the audio in seconds';
COMMENT ON COLUMN ccm.recording.bytes IS 'Size of the file in bytes';
COMMENT ON COLUMN ccm.recording.sha256 IS 'SHA-256 of the file, hexadecimal';
COMMENT ON COLUMN ccm.recording.error IS 'What went wrong, in words; empty otherwise';
CREATE INDEX recording_started ON ccm.recording (started_at);
CREATE INDEX recording_unfinished ON ccm.recording (node_id, started_at)
    WHERE state IN ('expected', 'recording');

CREATE TABLE ccm.agent_state (
    agent_id   uuid NOT NULL REFERENCES ccm.agent,
    started_at timestamptz NOT NULL,
    version    integer NOT NULL,
    state      text NOT NULL,
    reason     text NOT NULL,
    ended_at   timestamptz,
    inferred   boolean NOT NULL,
    PRIMARY KEY (agent_id, started_at),
    CONSTRAINT agent_state_known CHECK (state IN
        ('logged_out', 'unavailable', 'paused', 'idle', 'ringing', 'talking', 'wrap_up', 'busy')),
    CONSTRAINT agent_state_ends_after_start CHECK (ended_at >= started_at)
) PARTITION BY RANGE (started_at);
COMMENT ON TABLE ccm.agent_state IS 'What each agent was doing, as intervals that follow each other without gap';
COMMENT ON COLUMN ccm.agent_state.agent_id IS 'The agent';
COMMENT ON COLUMN ccm.agent_state.started_at IS 'Begin of the interval';
COMMENT ON COLUMN ccm.agent_state.version IS 'Grows with each change';
COMMENT ON COLUMN ccm.agent_state.state IS
    'logged_out (member of no queue), unavailable (phone not reachable), paused, idle, ringing, talking (queue call), wrap_up, busy (other call)';
COMMENT ON COLUMN ccm.agent_state.reason IS 'Pause reason, or the queue of the call';
COMMENT ON COLUMN ccm.agent_state.ended_at IS 'End of the interval; null while it lasts';
COMMENT ON COLUMN ccm.agent_state.inferred IS 'True when begin or end was concluded and not seen';
CREATE INDEX agent_state_open ON ccm.agent_state (agent_id) WHERE ended_at IS NULL;

CREATE INDEX interaction_open ON ccm.interaction (node_id) WHERE ended_at IS NULL;
CREATE INDEX interaction_started ON ccm.interaction (started_at);
CREATE INDEX interaction_caller ON ccm.interaction (caller_num, started_at);
CREATE INDEX queue_visit_joined ON ccm.queue_visit (joined_at, queue_id);
-- The quarter of an hour in which a visit began, as report.queue_interval has it (sql/views).
CREATE INDEX queue_visit_interval ON ccm.queue_visit
    (date_bin('15 minutes', joined_at, timestamptz '2000-01-01 00:00+00'), queue_id);
CREATE INDEX queue_visit_waiting ON ccm.queue_visit (queue_id) WHERE left_at IS NULL;
CREATE INDEX segment_agent ON ccm.segment (agent_id, answered_at);
CREATE INDEX segment_open ON ccm.segment (agent_id) WHERE ended_at IS NULL;
CREATE INDEX offer_agent ON ccm.offer (agent_id, offered_at);

-- A fact that Postgres will never take is put here with the reason, so that it neither blocks what is
-- behind it nor disappears.
CREATE TABLE ccm.rejected_fact (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rejected_at timestamptz NOT NULL DEFAULT now(),
    fact        jsonb NOT NULL,
    sqlstate    text NOT NULL,
    reason      text NOT NULL
);
COMMENT ON TABLE ccm.rejected_fact IS 'Facts that the database refused for good; should be empty';
COMMENT ON COLUMN ccm.rejected_fact.id IS 'Order of rejection';
COMMENT ON COLUMN ccm.rejected_fact.rejected_at IS 'When it was rejected';
COMMENT ON COLUMN ccm.rejected_fact.fact IS 'The fact as the journal had it';
COMMENT ON COLUMN ccm.rejected_fact.sqlstate IS 'Postgres'' error code';
COMMENT ON COLUMN ccm.rejected_fact.reason IS 'Postgres'' message';

-- Partitions: one for each month. Runs with the owner's rights, since the daemon's role owns nothing.
CREATE FUNCTION ccm.ensure_partitions(since timestamptz, months integer) RETURNS integer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
-- A new partition locks its parent. Behind a long report it gives up and is made on another day, rather
-- than let everybody queue up behind it.
SET lock_timeout = '5s'
AS $$
DECLARE
    parent text;
    month  timestamptz := date_trunc('month', since, 'UTC');
    next   timestamptz;
    name   text;
    made   integer := 0;
BEGIN
    IF months NOT BETWEEN 1 AND 120 THEN
        RAISE EXCEPTION 'months must be between 1 and 120, not %', months;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('ccm.ensure_partitions'));
    FOR i IN 1..months LOOP
        next := month + interval '1 month';
        FOREACH parent IN ARRAY ARRAY['interaction', 'interaction_event', 'queue_visit', 'offer',
                                      'segment', 'recording', 'agent_state'] LOOP
            name := parent || '_' || to_char(month, 'YYYY_MM');
            CONTINUE WHEN to_regclass(format('ccm.%I', name)) IS NOT NULL;
            BEGIN
                EXECUTE format('CREATE TABLE ccm.%I PARTITION OF ccm.%I FOR VALUES FROM (%L) TO (%L)',
                    name, parent,
                    CASE parent WHEN 'agent_state' THEN month::text ELSE ccm.uuid7_bound(month)::text END,
                    CASE parent WHEN 'agent_state' THEN next::text ELSE ccm.uuid7_bound(next)::text END);
                made := made + 1;
            EXCEPTION WHEN check_violation THEN
                -- The default partition has rows of that month already: nothing is lost, they stay there.
                RAISE WARNING 'ccm.% is not made: ccm.%_default has rows of that month', name, parent;
            END;
        END LOOP;
        month := next;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION ccm.ensure_partitions(timestamptz, integer) IS
    'Makes the monthly partitions for so many months from the month of "since" on; returns how many it made';

CREATE TABLE ccm.interaction_default PARTITION OF ccm.interaction DEFAULT;
CREATE TABLE ccm.interaction_event_default PARTITION OF ccm.interaction_event DEFAULT;
CREATE TABLE ccm.queue_visit_default PARTITION OF ccm.queue_visit DEFAULT;
CREATE TABLE ccm.offer_default PARTITION OF ccm.offer DEFAULT;
CREATE TABLE ccm.segment_default PARTITION OF ccm.segment DEFAULT;
CREATE TABLE ccm.recording_default PARTITION OF ccm.recording DEFAULT;
CREATE TABLE ccm.agent_state_default PARTITION OF ccm.agent_state DEFAULT;
SELECT ccm.ensure_partitions(now() - interval '1 month', 4);
