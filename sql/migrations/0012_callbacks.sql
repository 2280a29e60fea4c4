-- Callbacks: callers who asked to be called instead of waiting, and what was done about it.
--
-- waiting → queued → waiting → … → done | failed | expired | cancelled. Queued: a placeholder stands in the
-- Asterisk queue, or is being put there. Each placeholder is an attempt; the leader of the node writes it
-- down, in its term, before it has Asterisk do anything.
--
-- What Asterisk does with an attempt is told by its dialplan (asterisk/dialplan/ccm-callbacks.conf) as steps,
-- twice: by an event and by a row of queue_log. Both ways end in the same functions and the same rows, so
-- that each thing counts once, whichever arrives first. An attempt is over when its channel is gone and
-- queue_log was read to its end after that.

CREATE TABLE ccm.callback (
    id              uuid PRIMARY KEY DEFAULT ccm.uuid7(),
    node_id         uuid NOT NULL REFERENCES ccm.node,
    queue_id        uuid NOT NULL REFERENCES ccm.queue,
    number          text NOT NULL,
    call            text NOT NULL,
    asked_by        text NOT NULL,
    asked_at        timestamptz NOT NULL,
    joined_at       timestamptz NOT NULL,
    position        integer NOT NULL,
    priority        integer NOT NULL,
    state           text NOT NULL DEFAULT 'waiting',
    reason          text NOT NULL DEFAULT '',
    attempts        integer NOT NULL DEFAULT 0,
    fruitless       integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    cancel_asked_by text,
    done_at         timestamptz,
    CONSTRAINT callback_number_is_one CHECK (number ~ '^\+?[0-9]{3,18}$'),
    CONSTRAINT callback_state_known CHECK (state IN
        ('waiting', 'queued', 'done', 'failed', 'expired', 'cancelled', 'merged')),
    CONSTRAINT callback_over_has_time CHECK ((done_at IS NULL) = (state IN ('waiting', 'queued')))
);
COMMENT ON TABLE ccm.callback IS 'Customers who are to be called back when their turn in a queue comes';
COMMENT ON COLUMN ccm.callback.id IS 'Hash of node and call in which it was asked for, so that it counts once';
COMMENT ON COLUMN ccm.callback.node_id IS 'The Asterisk it was asked for on';
COMMENT ON COLUMN ccm.callback.queue_id IS 'The queue whose agents call';
COMMENT ON COLUMN ccm.callback.number IS 'The number to be called';
COMMENT ON COLUMN ccm.callback.call IS 'Unique id of the channel of the call in which it was asked for; empty when it was added by hand';
COMMENT ON COLUMN ccm.callback.asked_by IS 'caller, or the user of the operating system who added it';
COMMENT ON COLUMN ccm.callback.asked_at IS 'When it was asked for';
COMMENT ON COLUMN ccm.callback.joined_at IS 'When the caller had joined the queue: that is the place that is kept';
COMMENT ON COLUMN ccm.callback.position IS 'Position in the queue on joining; 0 when it is not known';
COMMENT ON COLUMN ccm.callback.priority IS 'Priority that the caller had in the queue (QUEUE_PRIO)';
COMMENT ON COLUMN ccm.callback.state IS
    'waiting (next_attempt_at says for what time), queued (a placeholder stands in the queue, or the customer is being called), done (the customer answered), failed (reason says why), expired (given up in time), cancelled, merged (the number had an open one in this queue)';
COMMENT ON COLUMN ccm.callback.reason IS 'Why it is in this state, in words';
COMMENT ON COLUMN ccm.callback.attempts IS 'Times that the customer was called, answered or not';
COMMENT ON COLUMN ccm.callback.fruitless IS 'Attempts since the last call that ended before any agent took them, within a minute';
COMMENT ON COLUMN ccm.callback.next_attempt_at IS 'Not to be put into the queue before this';
COMMENT ON COLUMN ccm.callback.cancel_asked_by IS 'User of the operating system who had it cancelled';
COMMENT ON COLUMN ccm.callback.done_at IS 'When it came to an end';
CREATE UNIQUE INDEX callback_one_open ON ccm.callback (queue_id, number) WHERE state IN ('waiting', 'queued');
CREATE INDEX callback_open ON ccm.callback (node_id) WHERE state IN ('waiting', 'queued');
CREATE INDEX callback_asked ON ccm.callback (asked_at);

CREATE TABLE ccm.callback_attempt (
    attempt     text PRIMARY KEY,
    callback_id uuid NOT NULL REFERENCES ccm.callback,
    ordinal     integer NOT NULL,
    term        bigint NOT NULL,
    placed_at   timestamptz NOT NULL,
    valid_until timestamptz NOT NULL,
    place       integer NOT NULL,
    ended_at    timestamptz,
    outcome     text,
    CONSTRAINT callback_attempt_ordinal_unique UNIQUE (callback_id, ordinal),
    CONSTRAINT callback_attempt_outcome_known CHECK (outcome IN
        ('answered', 'not_answered', 'busy', 'unreachable', 'lost', 'agent_gone', 'refused', 'not_placed',
         'no_agents', 'gone', 'withdrawn')),
    CONSTRAINT callback_attempt_ended_has_outcome CHECK ((ended_at IS NULL) = (outcome IS NULL))
);
COMMENT ON TABLE ccm.callback_attempt IS 'Placeholders of callbacks in queues, and what came of each';
COMMENT ON COLUMN ccm.callback_attempt.attempt IS 'Unique id of the placeholder''s channel, chosen by us';
COMMENT ON COLUMN ccm.callback_attempt.callback_id IS 'The callback';
COMMENT ON COLUMN ccm.callback_attempt.ordinal IS 'First, second, … of this callback, from 1';
COMMENT ON COLUMN ccm.callback_attempt.term IS 'Term of the leader that had it placed';
COMMENT ON COLUMN ccm.callback_attempt.placed_at IS 'When it was written down, just before Asterisk was asked';
COMMENT ON COLUMN ccm.callback_attempt.valid_until IS 'Asterisk''s dialplan does not begin it after this';
COMMENT ON COLUMN ccm.callback_attempt.place IS 'Position in the queue that was asked for';
COMMENT ON COLUMN ccm.callback_attempt.ended_at IS 'When its end was known; null while it may stand';
COMMENT ON COLUMN ccm.callback_attempt.outcome IS
    'answered, not_answered, busy, unreachable, lost (Asterisk died while it dialled), agent_gone (the agent hung up before the customer answered), refused (the dialplan does not allow the number), not_placed (Asterisk refused), no_agents (the queue sent it away), gone (it vanished, as when Asterisk restarts or the hours end), withdrawn (cancelled)';
CREATE INDEX callback_attempt_open ON ccm.callback_attempt (callback_id) WHERE ended_at IS NULL;

CREATE TABLE ccm.callback_step (
    attempt text NOT NULL,
    step    text NOT NULL,
    at      timestamptz NOT NULL,
    PRIMARY KEY (attempt, step)
);
COMMENT ON TABLE ccm.callback_step IS 'What the dialplan told of attempts';
COMMENT ON COLUMN ccm.callback_step.attempt IS 'The attempt';
COMMENT ON COLUMN ccm.callback_step.step IS
    'placed (in the queue), dial (an agent took it, the customer is called), answered (by the customer), left (the queue), late, refused; or how dialling ended: noanswer, busy, cancel, congestion, chanunavail …';
COMMENT ON COLUMN ccm.callback_step.at IS 'When';

-- Interactions of callbacks are few, and reports of queues leave them out.
CREATE INDEX interaction_callback ON ccm.interaction (id) WHERE channel = 'callback';

CREATE FUNCTION ccm.callback_id(node text, call text) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT md5('callback' || E'\n' || node || E'\n' || call)::uuid $$;
COMMENT ON FUNCTION ccm.callback_id(text, text) IS 'Id of the callback that was asked for in that call on that node';

CREATE FUNCTION ccm.ask_callback(
    new_id uuid, for_queue uuid, to_number text, in_call text, by_whom text, asked timestamptz, with_priority integer
) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    on_node    uuid;
    queue_name text;
    joined     timestamptz;
    place      integer;
    as_state   text;
BEGIN
    IF to_number IS NULL OR to_number !~ '^\+?[0-9]{3,18}$' THEN
        RETURN NULL;
    END IF;
    SELECT q.node_id, q.name INTO on_node, queue_name FROM ccm.queue AS q WHERE q.id = for_queue;
    -- The place: as the queue had it, told by whichever witness has come by now.
    IF in_call <> '' THEN
        SELECT v.joined_at, v.position INTO joined, place
        FROM ccm.interaction AS i
        JOIN ccm.queue_visit AS v ON v.interaction_id = i.id AND v.queue_id = for_queue
        WHERE i.uniqueid = in_call AND i.node_id = on_node AND v.joined_at <= asked + interval '1 second'
        ORDER BY v.joined_at DESC
        LIMIT 1;
        IF joined IS NULL THEN
            SELECT r.at, CASE WHEN r.data[3] ~ '^[0-9]{1,6}$' THEN r.data[3]::integer END INTO joined, place
            FROM ccm.queue_log_row AS r
            WHERE r.node_id = on_node AND r.call = in_call AND r.queue = queue_name
                AND r.event = 'ENTERQUEUE' AND r.at <= asked
            ORDER BY r.sequence DESC
            LIMIT 1;
        END IF;
    END IF;
    as_state := CASE
        WHEN EXISTS (
            SELECT FROM ccm.callback AS c
            WHERE c.queue_id = for_queue AND c.number = to_number AND c.state IN ('waiting', 'queued')
                AND c.id <> new_id)
        THEN 'merged' ELSE 'waiting' END;
    INSERT INTO ccm.callback (id, node_id, queue_id, number, call, asked_by, asked_at, joined_at, position,
        priority, state, reason, next_attempt_at, done_at)
    VALUES (new_id, on_node, for_queue, to_number, in_call, by_whom, asked, least(coalesce(joined, asked), asked),
        coalesce(place, 0), with_priority, as_state,
        CASE as_state WHEN 'merged' THEN 'the number had an open callback in this queue' ELSE '' END,
        asked, CASE as_state WHEN 'merged' THEN asked END)
    ON CONFLICT DO NOTHING;
    RETURN as_state;
END
$$;
COMMENT ON FUNCTION ccm.ask_callback(uuid, uuid, text, text, text, timestamptz, integer) IS
    'Takes a callback down; asking again for an open one keeps the first place. Returns waiting, merged, or null for no number';

CREATE FUNCTION ccm.queue_log_row_tells_callback() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NEW.event = 'CCMCALLBACKSTEP' THEN
        IF NEW.call LIKE 'ccmcb-%' AND NEW.data[1] ~ '^[a-z]{1,20}$' THEN
            INSERT INTO ccm.callback_step (attempt, step, at) VALUES (regexp_replace(NEW.call, ';2$', ''), NEW.data[1], NEW.at)
            ON CONFLICT DO NOTHING;
        END IF;
    ELSE
        INSERT INTO ccm.queue (node_id, name) VALUES (NEW.node_id, NEW.queue) ON CONFLICT DO NOTHING;
        PERFORM ccm.ask_callback(ccm.callback_id(n.name, NEW.call), q.id, NEW.data[1], NEW.call, 'caller', NEW.at,
            CASE WHEN NEW.data[2] ~ '^[0-9]{1,6}$' THEN NEW.data[2]::integer ELSE 0 END)
        FROM ccm.queue AS q JOIN ccm.node AS n ON n.id = q.node_id
        WHERE q.node_id = NEW.node_id AND q.name = NEW.queue;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ccm.queue_log_row_tells_callback() IS 'Trigger: rows that the dialplan library writes about callbacks';
CREATE TRIGGER queue_log_row_tells_callback
    AFTER INSERT ON ccm.queue_log_row
    FOR EACH ROW WHEN (NEW.event IN ('CCMCALLBACK', 'CCMCALLBACKSTEP'))
    EXECUTE FUNCTION ccm.queue_log_row_tells_callback();
