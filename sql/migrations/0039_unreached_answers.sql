-- Answers that did not reach somebody: their items wait again, and whoever wrote them is told, once.
ALTER TABLE ccm.outbox ADD COLUMN unreached boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN ccm.outbox.unreached IS
    'True: an answer that was refused, given up or returned for a recipient, of which the agent was not told yet';
CREATE INDEX outbox_unreached ON ccm.outbox (node_id) WHERE unreached;

CREATE FUNCTION ccm.answer_is_unreached() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    -- Whoever drops a message knows that it does not arrive.
    UPDATE ccm.outbox SET unreached = true
    WHERE id = NEW.outbox_id AND kind = 'answer' AND NOT unreached AND decision IS DISTINCT FROM 'drop';
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ccm.answer_is_unreached() IS 'Trigger: a recipient will not have an answer';
CREATE TRIGGER answer_is_unreached
    AFTER UPDATE OF state, delivery ON ccm.outbox_recipient
    FOR EACH ROW WHEN (
        NEW.state IN ('refused', 'given_up') AND OLD.state NOT IN ('refused', 'given_up')
        OR NEW.delivery = 'failed' AND OLD.delivery IS DISTINCT FROM 'failed')
    EXECUTE FUNCTION ccm.answer_is_unreached();

CREATE FUNCTION ccm.reopen_work(of_item uuid, at timestamptz, why text) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    item  ccm.work_item;
    times integer;
BEGIN
    SELECT * INTO STRICT item FROM ccm.work_item WHERE id = of_item FOR UPDATE;
    -- Also where nothing else changes: its clocks are to be measured anew.
    UPDATE ccm.conversation SET changed_at = greatest(changed_at, at) WHERE id = item.conversation_id;
    IF item.state <> 'done' THEN
        UPDATE ccm.work_item SET not_before = least(not_before, at), reason = why WHERE id = of_item AND state = 'waiting';
        RETURN item.state;
    END IF;
    IF EXISTS (SELECT FROM ccm.work_item WHERE conversation_id = item.conversation_id AND state <> 'done') THEN
        RETURN 'other';
    END IF;
    UPDATE ccm.work_item
    SET state = 'waiting', reason = why, done_at = NULL, outcome = NULL, not_before = at, asleep = false, fruitless = 0
    WHERE id = of_item;
    UPDATE ccm.interaction SET state = 'waiting', ended_at = NULL, outcome = NULL WHERE id = of_item;
    UPDATE ccm.conversation SET state = 'open', closed_at = NULL WHERE id = item.conversation_id;
    SELECT count(*) INTO times FROM ccm.interaction_event WHERE interaction_id = of_item AND kind = 'reopened';
    PERFORM ccm.work_event(of_item, 'reopened:' || times + 1, 'reopened', at, jsonb_build_object('reason', why));
    PERFORM ccm.begin_work_visit(of_item, item.queue_id, at);
    RETURN 'reopened';
END
$$;
COMMENT ON FUNCTION ccm.reopen_work(uuid, timestamptz, text) IS
    'What was done waits in its queue again, at its old place; what sleeps wakes. Returns reopened, other (another item of the conversation is open), or the state that it has';

CREATE OR REPLACE FUNCTION ccm.end_work(of_item uuid, as_outcome text, at timestamptz) RETURNS boolean
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
    PERFORM ccm.leave_work(of_item, at, 'agent');
    UPDATE ccm.work_item SET state = 'done', reason = '', asleep = false, done_at = at, outcome = as_outcome WHERE id = of_item;
    UPDATE ccm.interaction AS i
    SET state = 'ended', ended_at = greatest(at, i.started_at),
        outcome = CASE WHEN EXISTS (SELECT FROM ccm.segment AS s WHERE s.interaction_id = of_item)
            THEN 'answered' ELSE 'withdrawn' END
    WHERE i.id = of_item;
    SELECT count(*) INTO times FROM ccm.interaction_event WHERE interaction_id = of_item AND kind = 'reopened';
    PERFORM ccm.work_event(of_item, 'ended' || coalesce(':' || nullif(times, 0), ''), 'ended', at,
        jsonb_build_object('outcome', as_outcome));
    RETURN true;
END
$$;
