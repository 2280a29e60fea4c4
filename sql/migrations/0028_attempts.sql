-- Attempts to reach leads, the permit of each, and how many numbers were called when.
--
-- A lead is claimed, its attempt written down and its permit given in one transaction (ccm.claim_leads), before Asterisk
-- hears of it: whatever happens afterwards, nobody else can call that lead, and the call counts for every limit. What a
-- permit needs of the law is worked out beforehand by ccmiddleware/dialer (hours, caps, pauses for the place of the
-- number); the function tests what can change meanwhile: the campaign's state and revision, the lead, the do-not-call
-- list, and the calls to the same numbers by everybody.

CREATE TABLE ccm.attempt (
    id              uuid NOT NULL DEFAULT ccm.uuid7(),
    campaign_id     uuid NOT NULL REFERENCES ccm.campaign,
    lead_id         bigint NOT NULL REFERENCES ccm.lead,
    ordinal         smallint NOT NULL,
    number          text NOT NULL,
    number_ordinal  smallint NOT NULL,
    node            text NOT NULL,
    term            bigint NOT NULL,
    mode            text NOT NULL,
    trunk           text NOT NULL,
    caller_id       text NOT NULL,
    chance          real,
    claimed_at      timestamptz NOT NULL,
    dialed_at       timestamptz,
    answered_at     timestamptz,
    greeting_end_at timestamptz,
    connected_at    timestamptz,
    ended_at        timestamptz,
    result          text,
    cause           smallint,
    live            boolean NOT NULL DEFAULT false,
    dropped         boolean NOT NULL DEFAULT false,
    opted_out       boolean NOT NULL DEFAULT false,
    interface       text NOT NULL DEFAULT '',
    interaction_id  uuid,
    inferred        boolean NOT NULL DEFAULT false,
    note            text NOT NULL DEFAULT '',
    PRIMARY KEY (id),
    CONSTRAINT attempt_number_is_e164 CHECK (number ~ '^\+[1-9][0-9]{3,14}$'),
    CONSTRAINT attempt_result_known CHECK (result IN
        ('connected', 'dropped', 'hung_up', 'machine', 'no_answer', 'busy', 'failed', 'unknown')),
    CONSTRAINT attempt_ended_has_result CHECK ((ended_at IS NULL) = (result IS NULL)),
    CONSTRAINT attempt_ends_after_claim CHECK (ended_at >= claimed_at AND answered_at >= claimed_at),
    CONSTRAINT attempt_dropped_was_answered CHECK (NOT dropped OR answered_at IS NOT NULL),
    CONSTRAINT attempt_ordinal_positive CHECK (ordinal > 0)
) PARTITION BY RANGE (id);
COMMENT ON TABLE ccm.attempt IS 'Attempts to reach leads, from the moment in which the lead was claimed';
COMMENT ON COLUMN ccm.attempt.id IS 'UUIDv7 of the claim; the channel has it in its unique id';
COMMENT ON COLUMN ccm.attempt.campaign_id IS 'The campaign';
COMMENT ON COLUMN ccm.attempt.lead_id IS 'The lead';
COMMENT ON COLUMN ccm.attempt.ordinal IS 'First, second, … attempt of this lead, from 1';
COMMENT ON COLUMN ccm.attempt.number IS 'Number that was called, E.164';
COMMENT ON COLUMN ccm.attempt.number_ordinal IS 'Which of the lead''s numbers that is';
COMMENT ON COLUMN ccm.attempt.node IS 'Name of the node that dialled';
COMMENT ON COLUMN ccm.attempt.term IS 'Term of the leader of that node who claimed the lead';
COMMENT ON COLUMN ccm.attempt.mode IS 'Mode of the campaign at that moment';
COMMENT ON COLUMN ccm.attempt.trunk IS 'Name of the trunk by which it was dialled';
COMMENT ON COLUMN ccm.attempt.caller_id IS 'Number that was shown';
COMMENT ON COLUMN ccm.attempt.chance IS 'Probability that a person answers, as estimated when it was claimed; null when it was not estimated';
COMMENT ON COLUMN ccm.attempt.claimed_at IS 'When the lead was claimed';
COMMENT ON COLUMN ccm.attempt.dialed_at IS 'When Asterisk took the order to dial; null when it is not known that it did';
COMMENT ON COLUMN ccm.attempt.answered_at IS 'When it was answered, by whomever';
COMMENT ON COLUMN ccm.attempt.greeting_end_at IS 'When the answering party stopped to greet, where that was measured: the second clock of the two-second rule';
COMMENT ON COLUMN ccm.attempt.connected_at IS 'When an agent was on the line';
COMMENT ON COLUMN ccm.attempt.ended_at IS 'When it was over';
COMMENT ON COLUMN ccm.attempt.result IS
    'connected, dropped (no agent in time), hung_up (by the party, before its time was over), machine, no_answer, busy, failed, unknown (nobody saw the end); null while it goes on';
COMMENT ON COLUMN ccm.attempt.cause IS 'Q.850 cause, where Asterisk told one';
COMMENT ON COLUMN ccm.attempt.live IS 'Whether a person answered: what the share of drops is counted from';
COMMENT ON COLUMN ccm.attempt.dropped IS 'Whether no agent was there in time, even if one came later';
COMMENT ON COLUMN ccm.attempt.opted_out IS 'Whether the party pressed the key for no further calls';
COMMENT ON COLUMN ccm.attempt.interface IS 'Interface of the agent; empty when there was none';
COMMENT ON COLUMN ccm.attempt.interaction_id IS 'The interaction that came of it; null when it never came to a queue';
COMMENT ON COLUMN ccm.attempt.inferred IS 'True when its end was concluded and not seen';
COMMENT ON COLUMN ccm.attempt.note IS 'What is to be known besides, such as why it failed';
CREATE INDEX attempt_campaign ON ccm.attempt (campaign_id, id);
CREATE INDEX attempt_claimed_at ON ccm.attempt (claimed_at);
CREATE INDEX attempt_lead ON ccm.attempt (lead_id, id);
CREATE INDEX attempt_number ON ccm.attempt (number, id);
CREATE INDEX attempt_open ON ccm.attempt (node) WHERE ended_at IS NULL;

CREATE TABLE ccm.permit (
    attempt_id        uuid NOT NULL,
    granted_at        timestamptz NOT NULL,
    campaign_revision bigint NOT NULL,
    profile           text NOT NULL,
    place_id          integer NOT NULL REFERENCES ccm.place,
    evidence          text NOT NULL,
    open_until        timestamptz NOT NULL,
    window_rule       text NOT NULL,
    caps              jsonb NOT NULL,
    calls_before      jsonb NOT NULL,
    dnc_version       bigint NOT NULL,
    dnc_scrub_id      bigint REFERENCES ccm.dnc_scrub,
    consent           text NOT NULL,
    caller_id         text NOT NULL,
    seller_name       text NOT NULL,
    seller_number     text NOT NULL,
    purpose           text NOT NULL,
    ring_seconds      smallint NOT NULL,
    agent_guaranteed  boolean NOT NULL,
    PRIMARY KEY (attempt_id),
    CONSTRAINT permit_within_window CHECK (granted_at < open_until)
) PARTITION BY RANGE (attempt_id);
COMMENT ON TABLE ccm.permit IS
    'Why each attempt was lawful: written in the transaction that claimed its lead, and never changed';
COMMENT ON COLUMN ccm.permit.attempt_id IS 'The attempt; there is one permit for each';
COMMENT ON COLUMN ccm.permit.granted_at IS 'When it was given; that is when the lead was claimed';
COMMENT ON COLUMN ccm.permit.campaign_revision IS 'Revision of the campaign''s settings that held';
COMMENT ON COLUMN ccm.permit.profile IS 'Profile of rules that held, with its edition';
COMMENT ON COLUMN ccm.permit.place_id IS 'Where the called party may be';
COMMENT ON COLUMN ccm.permit.evidence IS 'What said so, in words';
COMMENT ON COLUMN ccm.permit.open_until IS 'Until when the calling window of that place was open';
COMMENT ON COLUMN ccm.permit.window_rule IS 'Source of the rule that closes it';
COMMENT ON COLUMN ccm.permit.caps IS 'Limits of how often the party may be called that held: calls, hours and source of each';
COMMENT ON COLUMN ccm.permit.calls_before IS 'Calls to any number of the lead within each of these limits, in their order, without this one';
COMMENT ON COLUMN ccm.permit.dnc_version IS 'Version of ccm.dnc_list with which its number was compared';
COMMENT ON COLUMN ccm.permit.dnc_scrub_id IS 'The last comparison with a public list; null when the profile wants none';
COMMENT ON COLUMN ccm.permit.consent IS 'Consent of the party as the lead has it; empty: none is known';
COMMENT ON COLUMN ccm.permit.caller_id IS 'Number that was shown';
COMMENT ON COLUMN ccm.permit.seller_name IS 'In whose name was called';
COMMENT ON COLUMN ccm.permit.seller_number IS 'Number at which the seller is reached';
COMMENT ON COLUMN ccm.permit.purpose IS 'What the call was about';
COMMENT ON COLUMN ccm.permit.ring_seconds IS 'How long it was to ring at most';
COMMENT ON COLUMN ccm.permit.agent_guaranteed IS 'Whether an agent was kept free for it, so that it could not be dropped';
CREATE TRIGGER permit_append_only
    BEFORE UPDATE OR DELETE ON ccm.permit
    FOR EACH ROW EXECUTE FUNCTION ccm.refuse_change();

CREATE TABLE ccm.called_number (
    number          text PRIMARY KEY,
    attempts        uuid[] NOT NULL DEFAULT '{}',
    called_at       timestamptz[] NOT NULL DEFAULT '{}',
    last_dropped_at timestamptz,
    last_machine_at timestamptz,
    CONSTRAINT called_number_is_e164 CHECK (number ~ '^\+[1-9][0-9]{3,14}$'),
    CONSTRAINT called_number_each_has_its_time CHECK (cardinality(attempts) = cardinality(called_at))
) WITH (fillfactor = 80);
COMMENT ON TABLE ccm.called_number IS
    'When parties were called lately, by whatever campaign: each call counts for all numbers of its lead. Locked while a lead is claimed';
COMMENT ON COLUMN ccm.called_number.number IS 'E.164, with its +';
COMMENT ON COLUMN ccm.called_number.attempts IS 'The attempts, in the order in which they were claimed; what is over 31 days old is left out with the next one';
COMMENT ON COLUMN ccm.called_number.called_at IS 'When each of them was';
COMMENT ON COLUMN ccm.called_number.last_dropped_at IS 'When a call to it was last dropped';
COMMENT ON COLUMN ccm.called_number.last_machine_at IS 'When a machine last answered there';

CREATE TABLE ccm.campaign_decision (
    campaign_id uuid NOT NULL REFERENCES ccm.campaign,
    at          timestamptz NOT NULL,
    term        bigint NOT NULL,
    number      integer NOT NULL,
    claimed     integer NOT NULL,
    reason      text NOT NULL,
    detail      jsonb NOT NULL,
    PRIMARY KEY (campaign_id, at),
    CONSTRAINT campaign_decision_numbers CHECK (number >= 0 AND claimed >= 0)
) PARTITION BY RANGE (at);
COMMENT ON TABLE ccm.campaign_decision IS 'How many calls each campaign decided to begin, and why';
COMMENT ON COLUMN ccm.campaign_decision.campaign_id IS 'The campaign';
COMMENT ON COLUMN ccm.campaign_decision.at IS 'When';
COMMENT ON COLUMN ccm.campaign_decision.term IS 'Term of the leader of the node';
COMMENT ON COLUMN ccm.campaign_decision.number IS 'How many calls were to be begun';
COMMENT ON COLUMN ccm.campaign_decision.claimed IS 'How many leads there were for them';
COMMENT ON COLUMN ccm.campaign_decision.reason IS 'What decided: the controller, or the limit that held';
COMMENT ON COLUMN ccm.campaign_decision.detail IS
    'Agents by state, calls in flight, estimates with their uncertainty, bound and budget at that moment';

-- As before, but for whatever is partitioned in this schema, by times or by ids that begin with one: no later migration
-- need say it again. Runs with the owner's rights, since the daemon's role owns nothing.
CREATE OR REPLACE FUNCTION ccm.ensure_partitions(since timestamptz, months integer) RETURNS integer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
-- A new partition locks its parent. Behind a long report it gives up and is made on another day, rather
-- than let everybody queue up behind it.
SET lock_timeout = '5s'
AS $$
DECLARE
    parent  text;
    by_time boolean;
    month   timestamptz := date_trunc('month', since, 'UTC');
    next    timestamptz;
    name    text;
    made    integer := 0;
BEGIN
    IF months NOT BETWEEN 1 AND 120 THEN
        RAISE EXCEPTION 'months must be between 1 and 120, not %', months;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('ccm.ensure_partitions'));
    FOR i IN 1..months LOOP
        next := month + interval '1 month';
        FOR parent, by_time IN
            SELECT c.relname, a.atttypid = 'timestamptz'::regtype
            FROM pg_partitioned_table AS p
            JOIN pg_class AS c ON c.oid = p.partrelid
            JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
            WHERE c.relnamespace = 'ccm'::regnamespace AND p.partstrat = 'r'
            ORDER BY c.relname
        LOOP
            name := parent || '_' || to_char(month, 'YYYY_MM');
            CONTINUE WHEN to_regclass(format('ccm.%I', name)) IS NOT NULL;
            BEGIN
                EXECUTE format('CREATE TABLE ccm.%I PARTITION OF ccm.%I FOR VALUES FROM (%L) TO (%L)',
                    name, parent,
                    CASE WHEN by_time THEN month::text ELSE ccm.uuid7_bound(month)::text END,
                    CASE WHEN by_time THEN next::text ELSE ccm.uuid7_bound(next)::text END);
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

CREATE TABLE ccm.attempt_default PARTITION OF ccm.attempt DEFAULT;
CREATE TABLE ccm.permit_default PARTITION OF ccm.permit DEFAULT;
CREATE TABLE ccm.campaign_decision_default PARTITION OF ccm.campaign_decision DEFAULT;
SELECT ccm.ensure_partitions(now() - interval '1 month', 4);

CREATE FUNCTION ccm.forbidden_number(wanted text, campaign uuid, at timestamptz) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT EXISTS (
        SELECT FROM ccm.dnc_entry AS e
        WHERE e.number = ANY (ccm.beginnings_of_number(wanted))
            AND (e.prefix OR e.number = wanted)
            AND e.removed_at IS NULL
            AND (e.expires_at IS NULL OR e.expires_at > at)
            AND (e.campaign_id IS NULL OR e.campaign_id = campaign))
$$;
COMMENT ON FUNCTION ccm.forbidden_number(text, uuid, timestamptz) IS
    'Whether the do-not-call list has that number, for all or for that campaign, at that time';

-- One lead of which the caller has found out that it may be called. Returns when it may be called at the earliest
-- because of the calls that were made to its numbers; null for now.
CREATE FUNCTION ccm.callable_from(ask jsonb, calls timestamptz[], dropped_at timestamptz, machine_at timestamptz,
    at timestamptz, agent_guaranteed boolean) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT nullif(greatest(
        coalesce((
            SELECT max(nth.call + (cap ->> 'hours')::numeric * interval '1 hour')
            FROM jsonb_array_elements(ask -> 'caps') AS cap
            CROSS JOIN LATERAL (
                -- The one that must have left the window before there is room for another.
                SELECT call FROM unnest(calls) AS call
                WHERE call > at - (cap ->> 'hours')::numeric * interval '1 hour'
                ORDER BY call DESC
                OFFSET (cap ->> 'calls')::integer - 1 LIMIT 1
            ) AS nth), at),
        CASE WHEN agent_guaranteed THEN at
            ELSE greatest(at, dropped_at + (ask ->> 'after_drop_hours')::numeric * interval '1 hour',
                machine_at + (ask ->> 'after_machine_hours')::numeric * interval '1 hour') END
    ), at)
$$;
COMMENT ON FUNCTION ccm.callable_from(jsonb, timestamptz[], timestamptz, timestamptz, timestamptz, boolean) IS
    'From when on a party may be called again, by caps and pauses and by the calls so far; null when that is now';

CREATE FUNCTION ccm.claim_leads(
    campaign uuid, node text, term bigint, at timestamptz, terms jsonb, asks jsonb
) RETURNS TABLE (lead_id bigint, attempt_id uuid, number text, refusal text, again_at timestamptz)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    listed     bigint;
    guaranteed boolean := (terms ->> 'agent_guaranteed')::boolean;
    ask        jsonb;
    lead       ccm.lead;
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
    WHERE c.id = campaign AND c.state = 'running' AND c.revision = (terms ->> 'revision')::bigint
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
            AND l.state IN ('new', 'ready') AND l.next_at <= at
        FOR UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        SELECT n.* INTO dialled FROM ccm.lead_number AS n
        WHERE n.lead_id = lead.id AND n.ordinal = lead.next_number
            AND n.place_id = (ask ->> 'place')::integer;
        CONTINUE WHEN NOT FOUND;  -- it was edited since its place was looked at
        lead_id := lead.id;
        number := dialled.number;
        attempt_id := NULL;
        IF ccm.forbidden_number(dialled.number, campaign, at) THEN
            refusal := 'dnc';
            again_at := NULL;
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
            UPDATE ccm.lead AS l SET state = 'waiting', next_at = later WHERE l.id = lead.id;
            refusal := 'called_lately';
            again_at := later;
            RETURN NEXT;
            CONTINUE;
        END IF;
        attempt := ccm.uuid7();
        INSERT INTO ccm.attempt (id, campaign_id, lead_id, ordinal, number, number_ordinal, node, term, mode, trunk,
            caller_id, chance, claimed_at)
        VALUES (attempt, campaign, lead.id, lead.attempts + 1, dialled.number, dialled.ordinal, node, term,
            terms ->> 'mode', ask ->> 'trunk', ask ->> 'caller_id', (ask ->> 'chance')::real, at);
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
    'Claims leads of a running campaign for calls that begin now, with attempt and permit; tells of each lead whether, and why not. Leads that somebody else holds or has edited are left out';

CREATE FUNCTION ccm.pass_over_number(lead ccm.lead, campaign uuid, at timestamptz) RETURNS void
LANGUAGE sql VOLATILE
AS $$
    UPDATE ccm.lead AS l
    SET next_number = coalesce(other.ordinal, l.next_number),
        place_id = coalesce(other.place_id, l.place_id),
        state = CASE WHEN other.ordinal IS NULL THEN 'done' ELSE l.state END,
        last_result = CASE WHEN other.ordinal IS NULL THEN 'dnc' ELSE l.last_result END
    FROM (SELECT (lead).id) AS this
    LEFT JOIN LATERAL (
        SELECT n.ordinal, n.place_id FROM ccm.lead_number AS n
        WHERE n.lead_id = (lead).id AND NOT ccm.forbidden_number(n.number, campaign, at)
        ORDER BY n.ordinal < (lead).next_number, n.ordinal LIMIT 1
    ) AS other ON true
    WHERE l.id = this.id
$$;
COMMENT ON FUNCTION ccm.pass_over_number(ccm.lead, uuid, timestamptz) IS
    'The next number of the lead is on the do-not-call list: goes on with one that is not, or is done with the lead';

CREATE FUNCTION ccm.end_attempt(
    attempt uuid, at timestamptz, result text, facts jsonb, next jsonb
) RETURNS boolean
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    ended   ccm.attempt;
    numbers text[];
BEGIN
    UPDATE ccm.attempt AS a
    SET ended_at = greatest(at, a.claimed_at),
        result = end_attempt.result,
        dialed_at = coalesce(a.dialed_at, (facts ->> 'dialed_at')::timestamptz),
        answered_at = coalesce(a.answered_at, (facts ->> 'answered_at')::timestamptz),
        greeting_end_at = (facts ->> 'greeting_end_at')::timestamptz,
        connected_at = (facts ->> 'connected_at')::timestamptz,
        cause = (facts ->> 'cause')::smallint,
        live = coalesce((facts ->> 'live')::boolean, false),
        dropped = coalesce((facts ->> 'dropped')::boolean, false),
        opted_out = coalesce((facts ->> 'opted_out')::boolean, false),
        interface = coalesce(facts ->> 'interface', ''),
        interaction_id = (facts ->> 'interaction_id')::uuid,
        inferred = coalesce((facts ->> 'inferred')::boolean, false),
        note = coalesce(facts ->> 'note', '')
    WHERE a.id = attempt AND a.ended_at IS NULL
    RETURNING a.* INTO ended;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    SELECT array_agg(n.number) INTO numbers FROM ccm.lead_number AS n WHERE n.lead_id = ended.lead_id;
    IF ended.dropped OR ended.result = 'machine' THEN
        PERFORM FROM ccm.called_number AS c WHERE c.number = ANY (numbers) ORDER BY c.number FOR UPDATE;
        UPDATE ccm.called_number AS c
        SET last_dropped_at = CASE WHEN ended.dropped THEN greatest(c.last_dropped_at, at) ELSE c.last_dropped_at END,
            last_machine_at = CASE WHEN ended.result = 'machine' THEN greatest(c.last_machine_at, at)
                ELSE c.last_machine_at END
        WHERE c.number = ANY (numbers);
    END IF;
    UPDATE ccm.lead AS l
    SET state = CASE WHEN next ->> 'at' IS NULL THEN 'done' ELSE 'waiting' END,
        last_result = end_attempt.result,
        next_at = coalesce((next ->> 'at')::timestamptz, l.next_at),
        next_number = coalesce(n.ordinal, l.next_number),
        place_id = coalesce(n.place_id, l.place_id)
    FROM (SELECT ended.lead_id) AS this
    LEFT JOIN ccm.lead_number AS n ON n.lead_id = this.lead_id AND n.number = next ->> 'number'
    WHERE l.id = this.lead_id AND l.state = 'claimed';
    RETURN true;
END
$$;
COMMENT ON FUNCTION ccm.end_attempt(uuid, timestamptz, text, jsonb, jsonb) IS
    'Writes down how an attempt ended, once, and what becomes of its lead: null for done, or at and number of the next attempt. False when it had ended before';
