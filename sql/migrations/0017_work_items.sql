-- Work items: what customers want that is no call, while it waits in an Asterisk queue and while an agent works on it.
--
-- waiting → queued → working → done, and from anywhere back to waiting. Waiting: in Postgres alone; any number of
-- them. Queued: a placeholder stands for it in the Asterisk queue, or is being put there, so that app_queue
-- offers it to agents by the same rules as calls. Working: an agent took it. Each placeholder is a placement,
-- which the leader of the node writes down, in its term, before it has Asterisk do anything.
--
-- What Asterisk does with a placement is told by queue_log alone: app_queue's own rows (RINGNOANSWER, CONNECT), and those
-- of the dialplan (asterisk/dialplan/ccm-work.conf), which tell whether the agent took it or gave it back. Each
-- row is stored once, so each thing counts once, whoever reads the file, and also when nobody listened.
--
-- The first email of an item is its interaction, with the same id. Its rows (visits, offers, segments) are written by
-- the functions below and by nobody else; their version is above that of every fact, so that neither a late
-- fact nor a leader who closes what nobody follows touches them.

CREATE FUNCTION ccm.work_version() RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT 4611686018427387904 $$;
COMMENT ON FUNCTION ccm.work_version() IS 'Version of the rows of interactions that are no calls: above that of every fact';

CREATE TABLE ccm.work_item (
    id              uuid PRIMARY KEY,
    number          bigint GENERATED ALWAYS AS IDENTITY,
    node_id         uuid NOT NULL REFERENCES ccm.node,
    queue_id        uuid NOT NULL REFERENCES ccm.queue,
    conversation_id uuid NOT NULL REFERENCES ccm.conversation,
    state           text NOT NULL DEFAULT 'waiting',
    reason          text NOT NULL DEFAULT '',
    priority        integer NOT NULL DEFAULT 0,
    arrived_at      timestamptz NOT NULL,
    not_before      timestamptz NOT NULL,
    asleep          boolean NOT NULL DEFAULT false,
    fruitless       integer NOT NULL DEFAULT 0,
    agent_id        uuid REFERENCES ccm.agent,
    taken_at        timestamptz,
    done_at         timestamptz,
    outcome         text,
    CONSTRAINT work_item_number_unique UNIQUE (number),
    CONSTRAINT work_item_state_known CHECK (state IN ('waiting', 'queued', 'working', 'done')),
    CONSTRAINT work_item_working_has_agent CHECK (state <> 'working' OR (agent_id IS NOT NULL AND taken_at IS NOT NULL)),
    CONSTRAINT work_item_done_has_outcome CHECK (
        (state = 'done') = (done_at IS NOT NULL) AND (state = 'done') = (outcome IS NOT NULL)),
    CONSTRAINT work_item_outcome_known CHECK (outcome IN ('answered', 'closed', 'noted'))
);
COMMENT ON TABLE ccm.work_item IS 'What waits for an agent, or is being worked on, and is no call; one that is not done for each conversation';
COMMENT ON COLUMN ccm.work_item.id IS 'That of its first email, and of the interaction';
COMMENT ON COLUMN ccm.work_item.number IS 'Number by which people call it, on the phone too';
COMMENT ON COLUMN ccm.work_item.node_id IS 'The Asterisk of its queue';
COMMENT ON COLUMN ccm.work_item.queue_id IS 'The queue that it waits in';
COMMENT ON COLUMN ccm.work_item.conversation_id IS 'The matter';
COMMENT ON COLUMN ccm.work_item.state IS
    'waiting (not_before says from when on), queued (a placeholder stands in the Asterisk queue), working (agent_id has it), done';
COMMENT ON COLUMN ccm.work_item.reason IS 'Why it is in this state, in words';
COMMENT ON COLUMN ccm.work_item.priority IS 'As QUEUE_PRIO has it for calls: higher comes first';
COMMENT ON COLUMN ccm.work_item.arrived_at IS 'Its place among those of one priority: when it came, or came back from a time that was waited for';
COMMENT ON COLUMN ccm.work_item.not_before IS 'Not to be offered before this';
COMMENT ON COLUMN ccm.work_item.asleep IS 'True until not_before: it is in no queue meanwhile';
COMMENT ON COLUMN ccm.work_item.fruitless IS 'Placements since the last taking that ended at once and were offered to nobody';
COMMENT ON COLUMN ccm.work_item.agent_id IS 'Who works on it, or last did';
COMMENT ON COLUMN ccm.work_item.taken_at IS 'When it was last taken';
COMMENT ON COLUMN ccm.work_item.done_at IS 'When it was done';
COMMENT ON COLUMN ccm.work_item.outcome IS 'answered (the customer was written to), closed (nothing was to be said), noted (a note was all)';
CREATE UNIQUE INDEX work_item_one_of_a_conversation ON ccm.work_item (conversation_id) WHERE state <> 'done';
CREATE INDEX work_item_waiting ON ccm.work_item (queue_id, priority DESC, arrived_at, id) WHERE state = 'waiting' AND NOT asleep;
CREATE INDEX work_item_asleep ON ccm.work_item (node_id, not_before) WHERE asleep;
CREATE INDEX work_item_under_way ON ccm.work_item (node_id) WHERE state IN ('queued', 'working');

CREATE TABLE ccm.work_placement (
    attempt     text PRIMARY KEY,
    item_id     uuid NOT NULL REFERENCES ccm.work_item,
    ordinal     integer NOT NULL,
    term        bigint NOT NULL,
    placed_at   timestamptz NOT NULL,
    valid_until timestamptz NOT NULL,
    place       integer NOT NULL,
    ended_at    timestamptz,
    outcome     text,
    CONSTRAINT work_placement_ordinal_unique UNIQUE (item_id, ordinal),
    CONSTRAINT work_placement_outcome_known CHECK (outcome IN
        ('taken', 'given_back', 'no_agents', 'gone', 'withdrawn', 'not_placed', 'too_late')),
    CONSTRAINT work_placement_ended_has_outcome CHECK ((ended_at IS NULL) = (outcome IS NULL))
);
COMMENT ON TABLE ccm.work_placement IS 'Placeholders of work items in Asterisk queues, and what came of each';
COMMENT ON COLUMN ccm.work_placement.attempt IS 'Unique id of the placeholder''s channel, chosen by us';
COMMENT ON COLUMN ccm.work_placement.item_id IS 'The item';
COMMENT ON COLUMN ccm.work_placement.ordinal IS 'First, second, … of this item, from 1';
COMMENT ON COLUMN ccm.work_placement.term IS 'Term of the leader that had it placed';
COMMENT ON COLUMN ccm.work_placement.placed_at IS 'When it was written down, just before Asterisk was asked';
COMMENT ON COLUMN ccm.work_placement.valid_until IS 'Asterisk''s dialplan does not begin it after this';
COMMENT ON COLUMN ccm.work_placement.place IS 'Position in the queue that was asked for';
COMMENT ON COLUMN ccm.work_placement.ended_at IS 'When its end was known; null while it may stand';
COMMENT ON COLUMN ccm.work_placement.outcome IS
    'taken, given_back (by key, or by hanging up), no_agents (the queue sent it away), gone (it vanished, as when Asterisk restarts), withdrawn (a more urgent one needed its place, or it was taken by hand), not_placed (Asterisk refused), too_late (somebody else had taken it by hand)';
CREATE INDEX work_placement_open ON ccm.work_placement (item_id) WHERE ended_at IS NULL;

CREATE TABLE ccm.work_step (
    attempt  text NOT NULL,
    step     text NOT NULL,
    at       timestamptz NOT NULL,
    agent_id uuid REFERENCES ccm.agent,
    PRIMARY KEY (attempt, step)
);
COMMENT ON TABLE ccm.work_step IS 'What queue_log told of placements';
COMMENT ON COLUMN ccm.work_step.attempt IS 'The placement';
COMMENT ON COLUMN ccm.work_step.step IS
    'placed (in the queue), answered (an agent''s phone was answered), taken (the agent pressed 1), back (2, or nothing), left (the queue), late (refused as too old)';
COMMENT ON COLUMN ccm.work_step.at IS 'When';
COMMENT ON COLUMN ccm.work_step.agent_id IS 'The agent, where there is one';

CREATE FUNCTION ccm.work_event(of_item uuid, new_key text, new_kind text, happened timestamptz, more jsonb) RETURNS void
LANGUAGE sql VOLATILE
AS $$
    INSERT INTO ccm.interaction_event (interaction_id, key, kind, at, inferred, data)
    VALUES (of_item, new_key, new_kind, happened, false, more)
    ON CONFLICT (interaction_id, key) DO NOTHING
$$;
COMMENT ON FUNCTION ccm.work_event(uuid, text, text, timestamptz, jsonb) IS 'Writes a line into the history of an item';

CREATE FUNCTION ccm.begin_work_visit(of_item uuid, in_queue uuid, joined timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    next smallint;
BEGIN
    IF EXISTS (SELECT FROM ccm.queue_visit WHERE interaction_id = of_item AND left_at IS NULL) THEN
        RETURN;
    END IF;
    SELECT coalesce(max(ordinal), 0) + 1 INTO next FROM ccm.queue_visit WHERE interaction_id = of_item;
    INSERT INTO ccm.queue_visit (interaction_id, ordinal, version, queue_id, position, joined_at, inferred)
    VALUES (of_item, next, ccm.work_version(), in_queue, 0, joined, false);
    UPDATE ccm.interaction SET state = 'waiting' WHERE id = of_item;
    PERFORM ccm.work_event(of_item, 'joined:' || next, 'joined', joined,
        (SELECT jsonb_build_object('queue', q.name) FROM ccm.queue AS q WHERE q.id = in_queue));
END
$$;
COMMENT ON FUNCTION ccm.begin_work_visit(uuid, uuid, timestamptz) IS 'The item waits in that queue from now on';

CREATE FUNCTION ccm.open_work(for_email uuid) RETURNS uuid
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    mail   ccm.email;
    matter ccm.conversation;
    other  uuid;
BEGIN
    SELECT * INTO STRICT mail FROM ccm.email WHERE id = for_email;
    SELECT * INTO STRICT matter FROM ccm.conversation WHERE id = mail.conversation_id FOR UPDATE;
    SELECT id INTO other FROM ccm.work_item WHERE conversation_id = matter.id AND state <> 'done';
    INSERT INTO ccm.interaction (id, version, node_id, channel, direction, state, linkedid, uniqueid, caller_num,
        caller_name, did, started_at, ended_at, outcome, inferred)
    SELECT mail.id, ccm.work_version(), matter.node_id, 'email', 'inbound',
        CASE WHEN other IS NULL THEN 'waiting' ELSE 'ended' END, '', '', mail.from_address, mail.from_name, m.name, mail.at,
        CASE WHEN other IS NOT NULL THEN mail.at END, CASE WHEN other IS NOT NULL THEN 'moved' END, false
    FROM ccm.mailbox AS m WHERE m.id = mail.mailbox_id;
    IF other IS NOT NULL THEN
        PERFORM ccm.work_event(mail.id, 'added_to', 'added_to', mail.at, jsonb_build_object('interaction', other));
        -- The customer did not wait until the time came.
        UPDATE ccm.work_item SET not_before = least(not_before, mail.at) WHERE id = other AND state = 'waiting';
        RETURN other;
    END IF;
    INSERT INTO ccm.work_item (id, node_id, queue_id, conversation_id, priority, arrived_at, not_before)
    VALUES (mail.id, matter.node_id, matter.queue_id, matter.id, ccm.work_priority(matter.queue_id, mail.from_address),
        mail.at, mail.at);
    PERFORM ccm.begin_work_visit(mail.id, matter.queue_id, mail.at);
    RETURN mail.id;
END
$$;
COMMENT ON FUNCTION ccm.open_work(uuid) IS
    'The email is an interaction; it opens a work item, or belongs to the one that its conversation has. Returns that item''s id';

CREATE FUNCTION ccm.wake_work(on_node text, at timestamptz) RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    one   record;
    woken integer := 0;
BEGIN
    FOR one IN
        SELECT w.id, w.queue_id, w.not_before
        FROM ccm.node AS n
        JOIN ccm.work_item AS w ON w.node_id = n.id AND w.asleep AND w.not_before <= at
        WHERE n.name = on_node
        FOR UPDATE OF w
    LOOP
        UPDATE ccm.work_item SET asleep = false, reason = '' WHERE id = one.id;
        PERFORM ccm.begin_work_visit(one.id, one.queue_id, one.not_before);
        woken := woken + 1;
    END LOOP;
    RETURN woken;
END
$$;
COMMENT ON FUNCTION ccm.wake_work(text, timestamptz) IS 'Items whose time has come wait in their queue again; how many did';

CREATE FUNCTION ccm.take_work(of_item uuid, by_agent uuid, at timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    item  ccm.work_item;
    stay  smallint;
    rang  timestamptz;
    next  smallint;
    since timestamptz;
BEGIN
    SELECT * INTO item FROM ccm.work_item WHERE id = of_item FOR UPDATE;
    IF item.id IS NULL OR item.state NOT IN ('waiting', 'queued') THEN
        RETURN false;
    END IF;
    PERFORM ccm.begin_work_visit(of_item, item.queue_id, at);
    SELECT v.ordinal, greatest(at, v.joined_at) INTO stay, since
    FROM ccm.queue_visit AS v WHERE v.interaction_id = of_item AND v.left_at IS NULL;
    UPDATE ccm.queue_visit SET answered_at = since, left_at = since, outcome = 'answered'
    WHERE interaction_id = of_item AND ordinal = stay;
    SELECT max(o.offered_at) INTO rang
    FROM ccm.offer AS o
    WHERE o.interaction_id = of_item AND o.visit = stay AND o.agent_id = by_agent AND o.ended_at IS NULL;
    UPDATE ccm.offer SET ended_at = greatest(since, offered_at), outcome = CASE WHEN agent_id = by_agent THEN 'answered' ELSE 'other_answered' END
    WHERE interaction_id = of_item AND ended_at IS NULL;
    SELECT coalesce(max(ordinal), 0) + 1 INTO next FROM ccm.segment WHERE interaction_id = of_item;
    INSERT INTO ccm.segment (interaction_id, ordinal, version, visit, agent_id, channel, agent_channel, offered_at, answered_at,
        hold_seconds, wrap_up_seconds, inferred)
    VALUES (of_item, next, ccm.work_version(), stay, by_agent, '', '', least(rang, since), since, 0, 0, false);
    UPDATE ccm.interaction SET state = 'talking' WHERE id = of_item;
    UPDATE ccm.work_item SET state = 'working', reason = '', asleep = false, agent_id = by_agent, taken_at = since, fruitless = 0 WHERE id = of_item;
    PERFORM ccm.work_event(of_item, 'answered:' || next, 'answered', since,
        (SELECT jsonb_build_object('agent', coalesce(nullif(a.name, ''), a.interface), 'interface', a.interface)
         FROM ccm.agent AS a WHERE a.id = by_agent));
    RETURN true;
END
$$;
COMMENT ON FUNCTION ccm.take_work(uuid, uuid, timestamptz) IS 'The agent works on the item from now on; false when somebody has it, or it is done';

CREATE FUNCTION ccm.leave_work(of_item uuid, at timestamptz, by_whom text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    UPDATE ccm.segment SET ended_at = greatest(at, answered_at), ended_by = by_whom
    WHERE interaction_id = of_item AND ended_at IS NULL;
    UPDATE ccm.offer SET ended_at = greatest(at, offered_at), outcome = 'caller_gone'
    WHERE interaction_id = of_item AND ended_at IS NULL;
    UPDATE ccm.queue_visit SET left_at = greatest(at, joined_at), outcome = 'withdrawn'
    WHERE interaction_id = of_item AND left_at IS NULL;
END
$$;
COMMENT ON FUNCTION ccm.leave_work(uuid, timestamptz, text) IS 'Ends what is open of an item: its segment, offers and visit';

CREATE FUNCTION ccm.end_work(of_item uuid, as_outcome text, at timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    item ccm.work_item;
BEGIN
    SELECT * INTO item FROM ccm.work_item WHERE id = of_item FOR UPDATE;
    IF item.id IS NULL OR item.state = 'done' THEN
        RETURN false;
    END IF;
    PERFORM ccm.leave_work(of_item, at, 'agent');
    UPDATE ccm.work_item SET state = 'done', reason = '', asleep = false, done_at = at, outcome = as_outcome WHERE id = of_item;
    UPDATE ccm.interaction AS i
    SET state = 'ended', ended_at = greatest(at, i.started_at),
        outcome = CASE WHEN EXISTS (SELECT FROM ccm.segment AS s WHERE s.interaction_id = of_item)
            THEN 'answered' ELSE 'withdrawn' END
    WHERE i.id = of_item;
    PERFORM ccm.work_event(of_item, 'ended', 'ended', at, jsonb_build_object('outcome', as_outcome));
    RETURN true;
END
$$;
COMMENT ON FUNCTION ccm.end_work(uuid, text, timestamptz) IS 'The item is done, taken or not; false when it was before';

CREATE FUNCTION ccm.requeue_work(of_item uuid, to_queue uuid, from_time timestamptz, at timestamptz, why text) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    item  ccm.work_item;
    times integer;
BEGIN
    SELECT * INTO item FROM ccm.work_item WHERE id = of_item FOR UPDATE;
    IF item.id IS NULL OR item.state = 'done' THEN
        RETURN false;
    END IF;
    IF item.state = 'working' OR to_queue <> item.queue_id OR from_time > at THEN
        PERFORM ccm.leave_work(of_item, at, 'transfer');
    END IF;
    UPDATE ccm.work_item
    SET state = 'waiting', reason = why, queue_id = to_queue, not_before = from_time, asleep = from_time > at, fruitless = 0,
        arrived_at = CASE WHEN from_time > at THEN from_time ELSE arrived_at END
    WHERE id = of_item;
    UPDATE ccm.conversation AS c SET queue_id = to_queue, node_id = q.node_id, changed_at = greatest(c.changed_at, at)
    FROM ccm.queue AS q WHERE c.id = item.conversation_id AND q.id = to_queue;
    SELECT count(*) INTO times FROM ccm.interaction_event WHERE interaction_id = of_item AND kind = 'requeued';
    PERFORM ccm.work_event(of_item, 'requeued:' || times + 1, 'requeued', at,
        (SELECT jsonb_build_object('queue', q.name, 'reason', why, 'not_before', from_time)
         FROM ccm.queue AS q WHERE q.id = to_queue));
    IF from_time > at THEN
        UPDATE ccm.interaction SET state = 'left' WHERE id = of_item;
    ELSE
        PERFORM ccm.begin_work_visit(of_item, to_queue, at);
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION ccm.requeue_work(uuid, uuid, timestamptz, timestamptz, text) IS
    'The item waits in a queue of the same node again, from a time on; whoever works on it does no more. False when it is done';

CREATE FUNCTION ccm.end_work_placement(
    on_node text, in_term bigint, of_attempt text, as_outcome text, at timestamptz, by_agent uuid, next_at timestamptz,
    why text, now_fruitless integer
) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    item   uuid;
    ending text := as_outcome;
BEGIN
    SELECT p.item_id INTO item
    FROM ccm.work_placement AS p
    JOIN ccm.node AS n ON n.name = on_node
    JOIN ccm.leadership AS l ON l.node_id = n.id AND l.term = in_term
    WHERE p.attempt = of_attempt AND p.ended_at IS NULL;
    IF item IS NULL THEN
        RETURN NULL;
    END IF;
    IF as_outcome = 'taken' AND NOT ccm.take_work(item, by_agent, at) THEN
        ending := 'too_late';
    END IF;
    UPDATE ccm.work_placement SET ended_at = greatest(at, placed_at), outcome = ending WHERE attempt = of_attempt;
    UPDATE ccm.offer SET ended_at = greatest(at, offered_at), outcome = 'ring_no_answer'
    WHERE interaction_id = item AND ended_at IS NULL;
    UPDATE ccm.work_item SET state = 'waiting', reason = why, not_before = next_at, fruitless = now_fruitless
    WHERE id = item AND state = 'queued';
    RETURN ending;
END
$$;
COMMENT ON FUNCTION ccm.end_work_placement(text, bigint, text, text, timestamptz, uuid, timestamptz, text, integer) IS
    'Says what came of a placement, for the leader of the node in that term; the item is taken, or waits again. Returns the outcome, null for nothing';

-- Who is answered before others: senders as well as callers.
ALTER TABLE ccm.queue_priority DROP CONSTRAINT queue_priority_kind_known;
ALTER TABLE ccm.queue_priority ADD CONSTRAINT queue_priority_kind_known CHECK (kind IN ('did', 'caller', 'sender'));
ALTER TABLE ccm.queue_priority DROP CONSTRAINT queue_priority_number_is_digits;
ALTER TABLE ccm.queue_priority ADD CONSTRAINT queue_priority_number_fits CHECK (CASE kind
    WHEN 'sender' THEN number = lower(number) AND number ~ '^[^@[:space:]]*@[^@[:space:]]+$' AND length(number) <= 320
    ELSE number ~ '^[+]?[0-9]{1,32}$' END);
COMMENT ON COLUMN ccm.queue_priority.kind IS 'did (the number that was dialled), caller, or sender (of an email)';
COMMENT ON COLUMN ccm.queue_priority.number IS
    'The number as Asterisk has it: digits, perhaps with a + before them; for a sender the address in lower case, or @domain';

CREATE FUNCTION ccm.work_priority(in_queue uuid, address text) RETURNS integer
LANGUAGE sql STABLE
AS $$
    SELECT coalesce(max(p.priority), 0)
    FROM ccm.queue_priority AS p
    WHERE p.queue_id = in_queue AND p.kind = 'sender'
        AND p.number IN (lower(address), '@' || split_part(lower(address), '@', 2))
$$;
COMMENT ON FUNCTION ccm.work_priority(uuid, text) IS 'Priority of an email from that address in that queue';

ALTER TABLE ccm.queue_setting ADD COLUMN email_after_calls boolean;
COMMENT ON COLUMN ccm.queue_setting.email_after_calls IS
    'True: an email is offered only when no call waits. False or null: calls and emails are answered in one order, by priority and time';

-- What queue_log tells of placements.
CREATE FUNCTION ccm.queue_log_row_tells_work() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    of_attempt text := regexp_replace(NEW.call, ';2$', '');
    item       uuid;
    agent      uuid;
    stay       smallint;
    next       integer;
BEGIN
    SELECT p.item_id INTO item FROM ccm.work_placement AS p WHERE p.attempt = of_attempt;
    IF item IS NULL THEN
        RETURN NULL;
    END IF;
    IF NEW.agent NOT IN ('', 'NONE') THEN
        SELECT a.id INTO agent
        FROM ccm.agent AS a
        WHERE a.node_id = NEW.node_id AND (a.interface = NEW.agent OR a.name = NEW.agent)
        ORDER BY a.interface = NEW.agent DESC, a.seen_at DESC NULLS LAST
        LIMIT 1;
    END IF;
    IF NEW.event = 'CCMWORKSTEP' THEN
        IF NEW.data[1] ~ '^[a-z]{1,20}$' THEN
            INSERT INTO ccm.work_step (attempt, step, at, agent_id) VALUES (of_attempt, NEW.data[1], NEW.at, agent)
            ON CONFLICT DO NOTHING;
        END IF;
        RETURN NULL;
    END IF;
    IF agent IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT v.ordinal INTO stay FROM ccm.queue_visit AS v
    WHERE v.interaction_id = item ORDER BY v.ordinal DESC LIMIT 1;
    SELECT coalesce(max(o.ordinal), 0) + 1 INTO next FROM ccm.offer AS o WHERE o.interaction_id = item;
    IF NEW.event = 'RINGNOANSWER' THEN
        INSERT INTO ccm.offer (interaction_id, ordinal, version, visit, agent_id, offered_at, ended_at, outcome)
        VALUES (item, next, ccm.work_version(), coalesce(stay, 0), agent,
            NEW.at - CASE WHEN NEW.data[1] ~ '^[0-9]{1,8}$' THEN NEW.data[1]::integer ELSE 0 END * interval '1 millisecond',
            NEW.at, 'ring_no_answer');
    ELSE
        INSERT INTO ccm.offer (interaction_id, ordinal, version, visit, agent_id, offered_at)
        VALUES (item, next, ccm.work_version(), coalesce(stay, 0), agent,
            NEW.at - CASE WHEN NEW.data[3] ~ '^[0-9]{1,6}$' THEN NEW.data[3]::integer ELSE 0 END * interval '1 second');
        INSERT INTO ccm.work_step (attempt, step, at, agent_id) VALUES (of_attempt, 'answered', NEW.at, agent)
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ccm.queue_log_row_tells_work() IS 'Trigger: rows about placeholders of work items';
CREATE TRIGGER queue_log_row_tells_work
    AFTER INSERT ON ccm.queue_log_row
    FOR EACH ROW WHEN (NEW.call LIKE 'ccmwk-%' AND NEW.event IN ('CCMWORKSTEP', 'RINGNOANSWER', 'CONNECT'))
    EXECUTE FUNCTION ccm.queue_log_row_tells_work();

-- Agents and email: where their mail goes, and how much they may have at once.
ALTER TABLE ccm.agent ADD COLUMN email text;
ALTER TABLE ccm.agent ADD COLUMN email_capacity integer NOT NULL DEFAULT 1;
ALTER TABLE ccm.agent ADD COLUMN calls_interrupt boolean NOT NULL DEFAULT false;
ALTER TABLE ccm.agent ADD CONSTRAINT agent_email_is_lower_case CHECK (email = lower(email) AND email ~ '^[^@[:space:]]+@[^@[:space:]]+$');
ALTER TABLE ccm.agent ADD CONSTRAINT agent_email_capacity_in_range CHECK (email_capacity BETWEEN 0 AND 20);
CREATE INDEX agent_email ON ccm.agent (email) WHERE email IS NOT NULL;
COMMENT ON COLUMN ccm.agent.email IS 'Address to which emails that the agent took are sent, in lower case; null: the agent takes none';
COMMENT ON COLUMN ccm.agent.email_capacity IS 'Emails that the agent may work on at once';
COMMENT ON COLUMN ccm.agent.calls_interrupt IS 'True: calls are offered to the agent while he works on emails. False: not';
