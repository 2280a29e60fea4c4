-- Agents' mail: what was sent to whom of the item that he has, notes for colleagues, and how an item ends.

DROP INDEX ccm.agent_email;
CREATE UNIQUE INDEX agent_email ON ccm.agent (email) WHERE email IS NOT NULL;
ALTER TABLE ccm.agent ADD CONSTRAINT agent_email_fits CHECK (length(email) <= 254);

CREATE INDEX work_item_of_agent ON ccm.work_item (agent_id) WHERE state = 'working';

CREATE TABLE ccm.email_relay (
    outbox_id  uuid PRIMARY KEY REFERENCES ccm.outbox DEFERRABLE INITIALLY DEFERRED,
    email_id   uuid NOT NULL REFERENCES ccm.email,
    item_id    uuid NOT NULL REFERENCES ccm.work_item,
    agent_id   uuid NOT NULL REFERENCES ccm.agent,
    taken_at   timestamptz NOT NULL,
    relayed_at timestamptz NOT NULL,
    CONSTRAINT email_relay_once_in_a_taking UNIQUE (item_id, email_id, agent_id, taken_at)
);
COMMENT ON TABLE ccm.email_relay IS 'Emails that were sent on to the agent who took their item: each once in a taking';
COMMENT ON COLUMN ccm.email_relay.outbox_id IS 'What was put into the outbox; made of the four that follow';
COMMENT ON COLUMN ccm.email_relay.email_id IS 'The customer''s email';
COMMENT ON COLUMN ccm.email_relay.item_id IS 'The item that it belongs to';
COMMENT ON COLUMN ccm.email_relay.agent_id IS 'To whom';
COMMENT ON COLUMN ccm.email_relay.taken_at IS 'When the agent took the item; ccm.work_item.taken_at of that time';
COMMENT ON COLUMN ccm.email_relay.relayed_at IS 'When it was put into the outbox';
CREATE INDEX email_relay_email ON ccm.email_relay (email_id);

CREATE TABLE ccm.conversation_note (
    id              uuid PRIMARY KEY DEFAULT ccm.uuid7(),
    conversation_id uuid NOT NULL REFERENCES ccm.conversation,
    item_id         uuid REFERENCES ccm.work_item,
    agent_id        uuid REFERENCES ccm.agent,
    author          text NOT NULL,
    written_at      timestamptz NOT NULL,
    text            text NOT NULL,
    CONSTRAINT conversation_note_says_something CHECK (text ~ '[^[:space:]]')
);
COMMENT ON TABLE ccm.conversation_note IS 'Notes of agents and others about a matter; never for the customer';
COMMENT ON COLUMN ccm.conversation_note.id IS 'UUIDv7; of a note that came by mail derived from that mail';
COMMENT ON COLUMN ccm.conversation_note.conversation_id IS 'The matter';
COMMENT ON COLUMN ccm.conversation_note.item_id IS 'The item at which it was written';
COMMENT ON COLUMN ccm.conversation_note.agent_id IS 'The agent who wrote it; null for one written at the command line';
COMMENT ON COLUMN ccm.conversation_note.author IS 'Name of the agent, or user of the operating system';
COMMENT ON COLUMN ccm.conversation_note.written_at IS 'When';
COMMENT ON COLUMN ccm.conversation_note.text IS 'The note';
CREATE INDEX conversation_note_conversation ON ccm.conversation_note (conversation_id, written_at);

-- Who did it stands in the history, and the conversation keeps step: open while its item waits or is worked on, waiting
-- while a time or the customer is waited for, closed when it was closed.

DROP FUNCTION ccm.take_work(uuid, uuid, timestamptz);
CREATE FUNCTION ccm.take_work(of_item uuid, by_agent uuid, at timestamptz, by_whom text DEFAULT '') RETURNS boolean
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
    UPDATE ccm.conversation SET state = 'open', closed_at = NULL, changed_at = greatest(changed_at, at)
    WHERE id = item.conversation_id;
    PERFORM ccm.work_event(of_item, 'answered:' || next, 'answered', since,
        (SELECT jsonb_build_object('agent', coalesce(nullif(a.name, ''), a.interface), 'interface', a.interface)
             || CASE WHEN by_whom = '' THEN '{}'::jsonb ELSE jsonb_build_object('by', by_whom) END
         FROM ccm.agent AS a WHERE a.id = by_agent));
    RETURN true;
END
$$;
COMMENT ON FUNCTION ccm.take_work(uuid, uuid, timestamptz, text) IS
    'The agent works on the item from now on; false when somebody has it, or it is done. by_whom: who gave it to him, if not he himself';

DROP FUNCTION ccm.requeue_work(uuid, uuid, timestamptz, timestamptz, text);
CREATE FUNCTION ccm.requeue_work(
    of_item uuid, to_queue uuid, from_time timestamptz, at timestamptz, why text, by_whom text DEFAULT ''
) RETURNS boolean
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
    UPDATE ccm.conversation AS c
    SET queue_id = to_queue, node_id = q.node_id, state = CASE WHEN from_time > at THEN 'waiting' ELSE 'open' END,
        closed_at = NULL, changed_at = greatest(c.changed_at, at)
    FROM ccm.queue AS q WHERE c.id = item.conversation_id AND q.id = to_queue;
    SELECT count(*) INTO times FROM ccm.interaction_event WHERE interaction_id = of_item AND kind = 'requeued';
    PERFORM ccm.work_event(of_item, 'requeued:' || times + 1, 'requeued', at,
        (SELECT jsonb_build_object('queue', q.name, 'reason', why, 'not_before', from_time)
             || CASE WHEN by_whom = '' THEN '{}'::jsonb ELSE jsonb_build_object('by', by_whom) END
         FROM ccm.queue AS q WHERE q.id = to_queue));
    IF from_time > at THEN
        UPDATE ccm.interaction SET state = 'left' WHERE id = of_item;
    ELSE
        PERFORM ccm.begin_work_visit(of_item, to_queue, at);
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION ccm.requeue_work(uuid, uuid, timestamptz, timestamptz, text, text) IS
    'The item waits in a queue of the same node again, from a time on; whoever works on it does no more. False when it is done';

CREATE OR REPLACE FUNCTION ccm.wake_work(on_node text, at timestamptz) RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    one   record;
    woken integer := 0;
BEGIN
    FOR one IN
        SELECT w.id, w.queue_id, w.not_before, w.conversation_id
        FROM ccm.node AS n
        JOIN ccm.work_item AS w ON w.node_id = n.id AND w.asleep AND w.not_before <= at
        WHERE n.name = on_node
        FOR UPDATE OF w
    LOOP
        UPDATE ccm.work_item SET asleep = false, reason = '' WHERE id = one.id;
        UPDATE ccm.conversation SET state = 'open', closed_at = NULL, changed_at = greatest(changed_at, one.not_before)
        WHERE id = one.conversation_id;
        PERFORM ccm.begin_work_visit(one.id, one.queue_id, one.not_before);
        woken := woken + 1;
    END LOOP;
    RETURN woken;
END
$$;

CREATE FUNCTION ccm.finish_work(of_item uuid, as_outcome text, then_state text, at timestamptz, by_whom text) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    item ccm.work_item;
BEGIN
    SELECT * INTO item FROM ccm.work_item WHERE id = of_item FOR UPDATE;
    IF item.id IS NULL OR item.state = 'done' THEN
        RETURN false;
    END IF;
    IF then_state NOT IN ('waiting', 'closed') THEN
        RAISE EXCEPTION 'a conversation without work is waiting or closed, not %', then_state USING ERRCODE = 'check_violation';
    END IF;
    PERFORM ccm.work_event(of_item, 'ended', 'ended', at, jsonb_build_object('outcome', as_outcome, 'by', by_whom));
    PERFORM ccm.end_work(of_item, as_outcome, at);
    UPDATE ccm.conversation
    SET state = then_state, changed_at = greatest(changed_at, at), closed_at = CASE WHEN then_state = 'closed' THEN at END
    WHERE id = item.conversation_id;
    RETURN true;
END
$$;
COMMENT ON FUNCTION ccm.finish_work(uuid, text, text, timestamptz, text) IS
    'The item is done (outcome answered, closed or noted), and its conversation waits for the customer or is closed; false when it was done before';
