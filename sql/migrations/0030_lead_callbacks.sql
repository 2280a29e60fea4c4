-- Callbacks that were promised to leads, for a time.
--
-- A lead with an open promise is in the state promised, so that nothing else claims it: promises are claimed before
-- all other leads, also while the campaign is paused, and only when an agent is there for them. What the lead would be
-- without the promise stands in lead_callback.lead_state, and is what it becomes again when the promise is over. A
-- promise may be made while the lead is being called: then the lead becomes promised when that attempt ends.

ALTER TABLE ccm.lead DROP CONSTRAINT lead_state_known;
ALTER TABLE ccm.lead ADD CONSTRAINT lead_state_known
    CHECK (state IN ('new', 'ready', 'claimed', 'waiting', 'promised', 'done'));
COMMENT ON COLUMN ccm.lead.state IS
    'new (never called), ready (to be called again), claimed (a call is on), waiting (until next_at), promised (a callback, of ccm.lead_callback), done';

CREATE TABLE ccm.lead_callback (
    id             uuid PRIMARY KEY DEFAULT ccm.uuid7(),
    campaign_id    uuid NOT NULL REFERENCES ccm.campaign,
    lead_id        bigint NOT NULL REFERENCES ccm.lead,
    number_ordinal smallint NOT NULL,
    promised_at    timestamptz NOT NULL,
    late_from      timestamptz NOT NULL,
    agent_id       uuid REFERENCES ccm.agent,
    due_at         timestamptz NOT NULL,
    state          text NOT NULL DEFAULT 'promised',
    reason         text NOT NULL DEFAULT '',
    lead_state     text NOT NULL,
    note           text NOT NULL DEFAULT '',
    made_at        timestamptz NOT NULL,
    made_by        text NOT NULL,
    first_promised timestamptz NOT NULL,
    moves          smallint NOT NULL DEFAULT 0,
    moved_at       timestamptz,
    changed_at     timestamptz NOT NULL,
    changed_by     text NOT NULL,
    closed_at      timestamptz,
    CONSTRAINT lead_callback_number FOREIGN KEY (lead_id, number_ordinal) REFERENCES ccm.lead_number,
    CONSTRAINT lead_callback_state_known CHECK (state IN ('promised', 'tried', 'reached', 'cancelled', 'lapsed')),
    CONSTRAINT lead_callback_open_or_over CHECK (
        CASE WHEN closed_at IS NULL THEN state IN ('promised', 'tried') ELSE state <> 'promised' END),
    CONSTRAINT lead_callback_is_in_time_first CHECK (late_from >= promised_at),
    CONSTRAINT lead_callback_lead_state_known CHECK (lead_state IN ('new', 'ready', 'claimed', 'waiting', 'done'))
);
COMMENT ON TABLE ccm.lead_callback IS 'Callbacks that were promised to leads for a time';
COMMENT ON COLUMN ccm.lead_callback.id IS 'UUIDv7';
COMMENT ON COLUMN ccm.lead_callback.campaign_id IS 'The campaign, which is that of the lead';
COMMENT ON COLUMN ccm.lead_callback.lead_id IS 'The lead';
COMMENT ON COLUMN ccm.lead_callback.number_ordinal IS 'Which of its numbers is to be called';
COMMENT ON COLUMN ccm.lead_callback.promised_at IS 'The time that was promised';
COMMENT ON COLUMN ccm.lead_callback.late_from IS 'A call after that misses the promise; until then a personal one waits for its agent';
COMMENT ON COLUMN ccm.lead_callback.agent_id IS 'Who promised to call; null: anybody of the campaign';
COMMENT ON COLUMN ccm.lead_callback.due_at IS 'When it is to be called next';
COMMENT ON COLUMN ccm.lead_callback.state IS
    'promised (not called yet), tried (called, nobody was reached: again at due_at while it is open), reached, cancelled, lapsed (may not be called any more)';
COMMENT ON COLUMN ccm.lead_callback.reason IS 'Why it is so, in words';
COMMENT ON COLUMN ccm.lead_callback.lead_state IS 'State in which its lead is without it; claimed while the call goes on in which it was promised';
COMMENT ON COLUMN ccm.lead_callback.note IS 'What there is to know';
COMMENT ON COLUMN ccm.lead_callback.made_at IS 'When it was promised';
COMMENT ON COLUMN ccm.lead_callback.made_by IS 'User of the operating system who wrote it down';
COMMENT ON COLUMN ccm.lead_callback.first_promised IS 'The time that was promised at first, before it was moved';
COMMENT ON COLUMN ccm.lead_callback.moves IS 'How often it was moved to another time';
COMMENT ON COLUMN ccm.lead_callback.moved_at IS 'When it was last moved to another time; calls before that do not count for it';
COMMENT ON COLUMN ccm.lead_callback.changed_at IS 'When it was made, moved or cancelled last';
COMMENT ON COLUMN ccm.lead_callback.changed_by IS 'Who did so';
COMMENT ON COLUMN ccm.lead_callback.closed_at IS 'When it was over; null while it is open';
CREATE UNIQUE INDEX lead_callback_one_of_a_lead ON ccm.lead_callback (lead_id) WHERE closed_at IS NULL;
CREATE INDEX lead_callback_due ON ccm.lead_callback (campaign_id, due_at) WHERE closed_at IS NULL;
CREATE INDEX lead_callback_promised_at ON ccm.lead_callback (promised_at);

ALTER TABLE ccm.attempt ADD COLUMN callback_id uuid;
COMMENT ON COLUMN ccm.attempt.callback_id IS 'The promise that it was to keep; null for any other call';

CREATE FUNCTION ccm.lead_keeps_promise() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE ccm.lead_callback AS c SET lead_state = NEW.state WHERE c.lead_id = NEW.id AND c.closed_at IS NULL;
    IF FOUND THEN
        NEW.state := 'promised';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION ccm.lead_keeps_promise() IS 'Trigger: a lead whose call has ended is promised, while a promise is open';
CREATE TRIGGER lead_keeps_promise
    BEFORE UPDATE ON ccm.lead
    FOR EACH ROW WHEN (OLD.state = 'claimed' AND NEW.state <> 'claimed')
    EXECUTE FUNCTION ccm.lead_keeps_promise();

CREATE FUNCTION ccm.close_lead_callback(callback uuid, why text, words text, at timestamptz) RETURNS void
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    closed ccm.lead_callback;
BEGIN
    UPDATE ccm.lead_callback AS c SET state = why, reason = words, closed_at = at
    WHERE c.id = callback AND c.closed_at IS NULL
    RETURNING c.* INTO closed;
    UPDATE ccm.lead AS l SET state = closed.lead_state WHERE l.id = closed.lead_id AND l.state = 'promised';
END
$$;
COMMENT ON FUNCTION ccm.close_lead_callback(uuid, text, text, timestamptz) IS
    'An open promise is over: its lead is again what it was. Whoever calls has locked the lead';

-- As before, but for promises: with callbacks_only in the terms each ask names its callback, the campaign may be paused,
-- and leads are claimed that are promised and due.
CREATE OR REPLACE FUNCTION ccm.claim_leads(
    campaign uuid, node text, term bigint, at timestamptz, terms jsonb, asks jsonb
) RETURNS TABLE (lead_id bigint, attempt_id uuid, number text, refusal text, again_at timestamptz)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    listed     bigint;
    guaranteed boolean := (terms ->> 'agent_guaranteed')::boolean;
    promises   boolean := coalesce((terms ->> 'callbacks_only')::boolean, false);
    ask        jsonb;
    lead       ccm.lead;
    promise    ccm.lead_callback;
    dialled    ccm.lead_number;
    numbers    text[];
    calls      timestamptz[];
    dropped    timestamptz;
    machine    timestamptz;
    later      timestamptz;
    known      integer;
    attempt    uuid;
BEGIN
    -- Whoever pauses, stops or edits the campaign, or changes the list, waits until this is over, or we see it.
    PERFORM FROM ccm.campaign AS c
    WHERE c.id = campaign AND (c.state = 'running' OR promises AND c.state = 'paused') AND c.revision = (terms ->> 'revision')::bigint
    FOR SHARE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT l.version INTO listed FROM ccm.dnc_list AS l FOR SHARE;
    -- All in one order, so that two who claim leads with the same numbers do not wait for each other in a circle.
    INSERT INTO ccm.called_number (number)
    SELECT DISTINCT n.number
    FROM jsonb_array_elements(asks) AS one
    JOIN ccm.lead_number AS n ON n.lead_id = (one ->> 'lead')::bigint
    ORDER BY n.number
    ON CONFLICT DO NOTHING;
    FOR ask IN SELECT jsonb_array_elements(asks) LOOP
        SELECT l.* INTO lead FROM ccm.lead AS l
        WHERE l.id = (ask ->> 'lead')::bigint AND l.campaign_id = campaign
            AND CASE WHEN promises THEN l.state = 'promised' ELSE l.state IN ('new', 'ready') AND l.next_at <= at END
        FOR UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        promise := NULL;
        IF promises THEN
            SELECT c.* INTO promise FROM ccm.lead_callback AS c
            WHERE c.id = (ask ->> 'callback')::uuid AND c.lead_id = lead.id AND c.closed_at IS NULL AND c.due_at <= at
            FOR UPDATE;
            CONTINUE WHEN NOT FOUND;
        END IF;
        SELECT n.* INTO dialled FROM ccm.lead_number AS n
        WHERE n.lead_id = lead.id AND n.ordinal = coalesce(promise.number_ordinal, lead.next_number)
            AND n.place_id = (ask ->> 'place')::integer;
        CONTINUE WHEN NOT FOUND;  -- it was edited since its place was looked at
        lead_id := lead.id;
        number := dialled.number;
        attempt_id := NULL;
        IF ccm.forbidden_number(dialled.number, campaign, at) THEN
            refusal := 'dnc';
            again_at := NULL;
            IF promises THEN
                PERFORM ccm.close_lead_callback(promise.id, 'lapsed', 'its number is on the do-not-call list', at);
            END IF;
            PERFORM ccm.pass_over_number(lead, campaign, at);
            RETURN NEXT;
            CONTINUE;
        END IF;
        SELECT array_agg(n.number ORDER BY n.number) INTO numbers
        FROM ccm.lead_number AS n WHERE n.lead_id = lead.id;
        -- Whoever holds one of them is about to call that party: this lead comes in a later round.
        SELECT count(*) INTO known FROM (
            SELECT FROM ccm.called_number AS c WHERE c.number = ANY (numbers)
            ORDER BY c.number FOR UPDATE SKIP LOCKED) AS held;
        CONTINUE WHEN known < cardinality(numbers);
        SELECT max(c.last_dropped_at), max(c.last_machine_at) INTO dropped, machine
        FROM ccm.called_number AS c WHERE c.number = ANY (numbers);
        -- The same call stands with each number of the lead that it was for.
        SELECT coalesce(array_agg(one.called_at), '{}') INTO calls FROM (
            SELECT DISTINCT made.id, made.called_at
            FROM ccm.called_number AS c CROSS JOIN unnest(c.attempts, c.called_at) AS made (id, called_at)
            WHERE c.number = ANY (numbers)) AS one;
        later := ccm.callable_from(ask, calls, dropped, machine, at, guaranteed);
        IF later IS NOT NULL THEN
            IF promises THEN
                UPDATE ccm.lead_callback AS c SET due_at = later, reason = 'called too often until then'
                WHERE c.id = promise.id;
            ELSE
                UPDATE ccm.lead AS l SET state = 'waiting', next_at = later WHERE l.id = lead.id;
            END IF;
            refusal := 'called_lately';
            again_at := later;
            RETURN NEXT;
            CONTINUE;
        END IF;
        attempt := ccm.uuid7();
        INSERT INTO ccm.attempt (id, campaign_id, lead_id, ordinal, number, number_ordinal, node, term, mode, trunk,
            caller_id, chance, claimed_at, callback_id)
        VALUES (attempt, campaign, lead.id, lead.attempts + 1, dialled.number, dialled.ordinal, node, term,
            terms ->> 'mode', ask ->> 'trunk', ask ->> 'caller_id', (ask ->> 'chance')::real, at, promise.id);
        INSERT INTO ccm.permit (attempt_id, granted_at, campaign_revision, profile, place_id, evidence,
            open_until, window_rule, caps, calls_before, dnc_version, dnc_scrub_id, consent, caller_id, seller_name,
            seller_number, purpose, ring_seconds, agent_guaranteed)
        VALUES (attempt, at, (terms ->> 'revision')::bigint, terms ->> 'profile',
            dialled.place_id, dialled.evidence, (ask ->> 'open_until')::timestamptz, ask ->> 'window_rule',
            ask -> 'caps', (
                SELECT coalesce(jsonb_agg((
                    SELECT count(*) FROM unnest(calls) AS call
                    WHERE call > at - (cap.value ->> 'hours')::numeric * interval '1 hour') ORDER BY cap.ordinality), '[]')
                FROM jsonb_array_elements(ask -> 'caps') WITH ORDINALITY AS cap),
            listed, (terms ->> 'scrub')::bigint, lead.consent, ask ->> 'caller_id', terms ->> 'seller_name',
            terms ->> 'seller_number', terms ->> 'purpose', (terms ->> 'ring_seconds')::smallint, guaranteed);
        UPDATE ccm.lead AS l SET state = 'claimed', attempts = l.attempts + 1 WHERE l.id = lead.id;
        UPDATE ccm.called_number AS c
        SET (attempts, called_at) = (
            SELECT array_append(coalesce(array_agg(made.id ORDER BY made.ordinality), '{}'), attempt),
                array_append(coalesce(array_agg(made.called_at ORDER BY made.ordinality), '{}'), at)
            FROM unnest(c.attempts, c.called_at) WITH ORDINALITY AS made (id, called_at, ordinality)
            WHERE made.called_at > at - interval '31 days')
        WHERE c.number = ANY (numbers);
        attempt_id := attempt;
        refusal := NULL;
        again_at := NULL;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION ccm.claim_leads(uuid, text, bigint, timestamptz, jsonb, jsonb) IS
    'Claims leads of a running campaign, or promised callbacks of one that runs or pauses, for calls that begin now, with attempt and permit; tells of each lead whether, and why not. Leads that somebody else holds or has edited are left out';

CREATE FUNCTION ccm.settle_lead_callback(
    callback uuid, came_of_it text, again timestamptz, words text, at timestamptz
) RETURNS void
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
BEGIN
    IF came_of_it = 'reached' THEN
        -- Also one that was given up, or followed by another promise, while the call was on.
        UPDATE ccm.lead_callback AS c SET state = came_of_it, reason = words
        WHERE c.id = callback AND c.closed_at IS NOT NULL AND c.state <> 'reached';
    END IF;
    IF again IS NULL THEN
        PERFORM ccm.close_lead_callback(callback, came_of_it, words, at);
    ELSE
        UPDATE ccm.lead_callback AS c SET state = came_of_it, reason = words, due_at = again
        WHERE c.id = callback AND c.closed_at IS NULL;
    END IF;
END
$$;
COMMENT ON FUNCTION ccm.settle_lead_callback(uuid, text, timestamptz, text, timestamptz) IS
    'What came of a call that was to keep a promise: it is over, or tried again. Whoever calls has locked the lead';
