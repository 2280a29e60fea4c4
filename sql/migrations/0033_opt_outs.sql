-- Requests not to be called any more, from whatever channel, and when each was honoured.
--
-- A request is written down first and honoured then: its numbers are put on the do-not-call list (source opt_out) by
-- ccm.honour_opt_outs. Facts from Asterisk (a disposition that an agent keys in, a caller who asks for it) never wait for
-- the list, which a long import may hold: they try, and what they leave is honoured when that import ends, and
-- while campaigns dial every two seconds. Who asks not to be called is a person: all numbers of the lead that was called, or
-- of the leads and the contact that have the number, are meant.

ALTER TABLE ccm.campaign ADD COLUMN honour_days smallint;
COMMENT ON COLUMN ccm.campaign.honour_days IS 'Business days within which its profile wants requests for no further calls to be honoured; null without a profile';
UPDATE ccm.campaign SET honour_days = CASE settings ->> 'profile' WHEN 'uk-ofcom' THEN 0 WHEN 'us-ftc' THEN 10 END;

ALTER TABLE ccm.disposition_code ADD COLUMN no_more_calls boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN ccm.disposition_code.no_more_calls IS 'True: the customer wants no further calls, and is put on the do-not-call list';

ALTER TABLE ccm.agent_reply DROP CONSTRAINT agent_reply_what_known;
ALTER TABLE ccm.agent_reply ADD CONSTRAINT agent_reply_what_known CHECK (
    what IN ('answer', 'note', 'close', 'wait', 'transfer', 'contact', 'optout', 'refused', 'repeated'));
COMMENT ON COLUMN ccm.agent_reply.what IS
    'answer, note, close (without an answer), wait, transfer, contact or optout (nothing but that); refused (nothing was done), repeated (a mail with its Message-ID was carried out before)';

CREATE TABLE ccm.opt_out (
    id             bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    key            text NOT NULL,
    channel        text NOT NULL,
    asked          text NOT NULL,
    numbers        text[] NOT NULL,
    lead_id        bigint REFERENCES ccm.lead,
    interaction_id uuid,
    received_at    timestamptz NOT NULL,
    deadline_on    date NOT NULL,
    honour_days    smallint NOT NULL,
    honoured_at    timestamptz,
    dnc_version    bigint,
    noted_at       timestamptz NOT NULL DEFAULT now(),
    noted_by       text NOT NULL,
    note           text NOT NULL DEFAULT '',
    CONSTRAINT opt_out_key_unique UNIQUE (key),
    CONSTRAINT opt_out_channel_known CHECK (channel IN ('keypad', 'agent', 'call', 'email', 'list')),
    CONSTRAINT opt_out_honoured_has_numbers CHECK (honoured_at IS NULL OR cardinality(numbers) > 0),
    CONSTRAINT opt_out_honoured_with_version CHECK ((honoured_at IS NULL) = (dnc_version IS NULL))
);
COMMENT ON TABLE ccm.opt_out IS 'Requests not to be called any more; rows stay when an entry of the do-not-call list is removed';
COMMENT ON COLUMN ccm.opt_out.id IS 'Number of the request';
COMMENT ON COLUMN ccm.opt_out.key IS 'What it was told by, so that it counts once';
COMMENT ON COLUMN ccm.opt_out.channel IS
    'keypad (a key in a call of a campaign), agent (a disposition), call (a caller asked for it by key), email (an agent''s #optout), list (ccm dnc add and import)';
COMMENT ON COLUMN ccm.opt_out.asked IS 'Number, or address, of whoever asked, as it came';
COMMENT ON COLUMN ccm.opt_out.numbers IS 'All numbers that are not to be called, E.164; empty while nobody knows them';
COMMENT ON COLUMN ccm.opt_out.lead_id IS 'The lead that was called; null for other ways';
COMMENT ON COLUMN ccm.opt_out.interaction_id IS 'The interaction in which it was asked; null where none is known';
COMMENT ON COLUMN ccm.opt_out.received_at IS 'When it was asked';
COMMENT ON COLUMN ccm.opt_out.deadline_on IS 'Last day on which it must be honoured';
COMMENT ON COLUMN ccm.opt_out.honour_days IS 'Business days that its profile allows';
COMMENT ON COLUMN ccm.opt_out.honoured_at IS 'When all its numbers were on the do-not-call list; null until then';
COMMENT ON COLUMN ccm.opt_out.dnc_version IS 'Version of the list that has them';
COMMENT ON COLUMN ccm.opt_out.noted_at IS 'When it was written down';
COMMENT ON COLUMN ccm.opt_out.noted_by IS 'User of the operating system, agent''s interface or name; ccm for the daemon';
COMMENT ON COLUMN ccm.opt_out.note IS 'What there is to know';
CREATE INDEX opt_out_received ON ccm.opt_out (received_at);
CREATE INDEX opt_out_open ON ccm.opt_out (id) WHERE honoured_at IS NULL;
CREATE INDEX opt_out_numbers ON ccm.opt_out USING gin (numbers);

CREATE FUNCTION ccm.e164_of(asked text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT f.number FROM (
        SELECT CASE
            WHEN t.text LIKE '+%' THEN t.text
            WHEN s.international_prefix <> '' AND t.text LIKE s.international_prefix || '_%'
                THEN '+' || substring(t.text FROM 1 + length(s.international_prefix))
            WHEN s.country_code <> '1' AND s.country_code <> '' AND s.national_prefix <> ''
                AND t.text LIKE s.national_prefix || '_%'
                THEN '+' || s.country_code || substring(t.text FROM 1 + length(s.national_prefix))
            WHEN s.country_code = '1' AND t.text ~ '^1?[2-9][0-9]{9}$' THEN '+1' || right(t.text, 10)
        END AS number
        FROM ccm.contact_setting AS s, (SELECT regexp_replace(asked, '[^0-9+]', '', 'g') AS text) AS t
    ) AS f
    WHERE f.number ~ '^\+[1-9][0-9]{3,14}$'
$$;
COMMENT ON FUNCTION ccm.e164_of(text) IS 'A number as Asterisk has it, in E.164 by the rule of ccm.contact_setting; null when it can''t be told';

-- Step by step: leads are found by their numbers, and never by reading all of them, whatever the planner believes of the
-- tables.
CREATE FUNCTION ccm.numbers_of_party(asked text[], lead bigint) RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
#variable_conflict use_variable
DECLARE
    leads    bigint[] := ARRAY [lead];
    contacts uuid[];
    found    text[];
BEGIN
    IF lead IS NULL THEN
        SELECT array_agg(n.lead_id) INTO leads FROM ccm.lead_number AS n WHERE n.number = ANY (asked);
    END IF;
    SELECT array_agg(p.contact_id) INTO contacts
    FROM ccm.contact_address AS p WHERE p.kind = 'phone' AND p.address = ANY (asked);
    SELECT coalesce(array_agg(DISTINCT f.number), '{}') INTO found FROM (
        SELECT unnest(asked) AS number
        UNION ALL
        SELECT n.number FROM ccm.lead_number AS n WHERE n.lead_id = ANY (leads)
        UNION ALL
        SELECT p.address FROM ccm.contact_address AS p WHERE p.contact_id = ANY (contacts) AND p.kind = 'phone'
    ) AS f
    WHERE f.number ~ '^\+[1-9][0-9]{3,14}$';
    RETURN found;
END
$$;
COMMENT ON FUNCTION ccm.numbers_of_party(text[], bigint) IS
    'These numbers and all others of the lead, or of whatever leads have one of them when it is null, and of their contact';

CREATE FUNCTION ccm.business_days_after(day date, days integer) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT coalesce((
        SELECT d.day FROM (
            SELECT day + n AS day, row_number() OVER (ORDER BY n) AS nth
            FROM generate_series(1, days * 2 + 7) AS n
            WHERE extract(isodow FROM day + n) < 6
        ) AS d
        WHERE d.nth = days), day)
$$;
COMMENT ON FUNCTION ccm.business_days_after(date, integer) IS
    'The last day of so many, Monday to Friday; holidays are not left out, so it is never later than the law has it';

CREATE FUNCTION ccm.note_opt_out(
    key text, channel text, asked text, known text[], lead bigint, interaction uuid, received timestamptz, by text,
    note text, whole_party boolean
) RETURNS bigint
LANGUAGE plpgsql
AS $$
#variable_conflict use_variable
DECLARE
    meant text[] := CASE WHEN whole_party THEN ccm.numbers_of_party(known, lead) ELSE known END;
    leads bigint[];
    days  smallint;
    made  bigint;
BEGIN
    SELECT array_append(array_agg(n.lead_id), lead) INTO leads FROM ccm.lead_number AS n WHERE n.number = ANY (meant);
    -- The strictest profile of the campaigns that have such a lead; else of all campaigns; else that of the United States.
    SELECT min(c.honour_days) INTO days
    FROM ccm.campaign AS c
    WHERE c.id IN (SELECT l.campaign_id FROM ccm.lead AS l WHERE l.id = ANY (leads));
    IF days IS NULL THEN
        SELECT coalesce(min(c.honour_days), 10) INTO days FROM ccm.campaign AS c;
    END IF;
    INSERT INTO ccm.opt_out AS o (key, channel, asked, numbers, lead_id, interaction_id, received_at, deadline_on, honour_days,
        noted_by, note)
    VALUES (key, channel, asked, meant, lead, interaction, received,
        ccm.business_days_after((received AT TIME ZONE 'UTC')::date, days), days, by, note)
    ON CONFLICT ON CONSTRAINT opt_out_key_unique DO NOTHING
    RETURNING o.id INTO made;
    RETURN made;
END
$$;
COMMENT ON FUNCTION ccm.note_opt_out(text, text, text, text[], bigint, uuid, timestamptz, text, text, boolean) IS
    'Writes down a request not to be called any more; null when it was before. It is not honoured yet';

CREATE FUNCTION ccm.honour_opt_outs(at timestamptz) RETURNS bigint
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    open    bigint[];
    wanted  text[];
    version bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM ccm.opt_out AS o WHERE o.honoured_at IS NULL AND cardinality(o.numbers) > 0) THEN
        RETURN 0;
    END IF;
    UPDATE ccm.dnc_list AS l SET version = l.version + 1, changed_at = now() RETURNING l.version INTO version;
    SELECT array_agg(o.id) INTO open FROM ccm.opt_out AS o WHERE o.honoured_at IS NULL AND cardinality(o.numbers) > 0;
    IF open IS NULL THEN
        RETURN 0;
    END IF;
    SELECT array_agg(DISTINCT one) INTO wanted
    FROM ccm.opt_out AS o CROSS JOIN unnest(o.numbers) AS one WHERE o.id = ANY (open);
    UPDATE ccm.dnc_entry AS e SET removed_at = now(), removed_by = 'ccm', removed_version = version
    WHERE e.number = ANY (wanted) AND NOT e.prefix AND e.source = 'opt_out' AND e.campaign_id IS NULL
        AND e.removed_at IS NULL AND e.expires_at IS NOT NULL;
    INSERT INTO ccm.dnc_entry (number, source, note, added_by, added_version)
    SELECT one, 'opt_out', min('request ' || o.id), min(o.noted_by), version
    FROM ccm.opt_out AS o CROSS JOIN unnest(o.numbers) AS one WHERE o.id = ANY (open)
    GROUP BY one
    ON CONFLICT DO NOTHING;
    UPDATE ccm.opt_out AS o SET honoured_at = greatest(at, o.received_at), dnc_version = version WHERE o.id = ANY (open);
    RETURN cardinality(open);
END
$$;
COMMENT ON FUNCTION ccm.honour_opt_outs(timestamptz) IS
    'Puts the numbers of all open requests on the do-not-call list; how many requests. Waits for whoever changes the list';

CREATE FUNCTION ccm.try_to_honour_opt_outs(at timestamptz) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM FROM ccm.dnc_list FOR UPDATE NOWAIT;
    PERFORM ccm.honour_opt_outs(at);
EXCEPTION WHEN lock_not_available THEN
    NULL;  -- somebody else does it soon
END
$$;
COMMENT ON FUNCTION ccm.try_to_honour_opt_outs(timestamptz) IS 'As honour_opt_outs, unless somebody changes the list just now';

CREATE FUNCTION ccm.disposition_opts_out() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    about ccm.interaction;
    tried record;
    asked text;
BEGIN
    SELECT i.* INTO about FROM ccm.interaction AS i WHERE i.id = NEW.interaction_id;
    SELECT a.lead_id, a.number, c.settings INTO tried
    FROM ccm.attempt AS a JOIN ccm.campaign AS c ON c.id = a.campaign_id
    WHERE a.id = ccm.attempt_of(about.linkedid);
    IF NOT EXISTS (SELECT FROM ccm.disposition_code AS d WHERE d.code = NEW.code AND d.no_more_calls)
        AND tried.settings -> ('disposition.' || NEW.code) ->> 'effect' IS DISTINCT FROM 'dnc' THEN
        RETURN NULL;
    END IF;
    -- An agent who dials has the customer's number in did.
    asked := coalesce(tried.number,
        CASE WHEN about.channel = 'voice' AND about.direction = 'outbound' THEN about.did ELSE about.caller_num END, '');
    PERFORM ccm.note_opt_out('disposition:' || NEW.id, 'agent', asked,
        CASE WHEN about.channel = 'email' THEN ccm.phones_of_address(asked)
            ELSE array_remove(ARRAY [ccm.e164_of(asked)], NULL) END,
        tried.lead_id, NEW.interaction_id, NEW.given_at, NEW.given_by, NEW.note, true);
    PERFORM ccm.try_to_honour_opt_outs(now());
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ccm.disposition_opts_out() IS 'Trigger: a code that means no further calls is a request for that';
CREATE TRIGGER disposition_opts_out
    AFTER INSERT OR UPDATE OF interaction_id ON ccm.disposition
    FOR EACH ROW WHEN (NEW.interaction_id IS NOT NULL)
    EXECUTE FUNCTION ccm.disposition_opts_out();

CREATE FUNCTION ccm.phones_of_address(email text) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT coalesce(array_agg(p.address), '{}')
    FROM ccm.contact_address AS e
    JOIN ccm.contact_address AS p ON p.contact_id = e.contact_id AND p.kind = 'phone' AND p.address LIKE '+%'
    WHERE e.kind = 'email' AND e.address = lower(email)
$$;
COMMENT ON FUNCTION ccm.phones_of_address(text) IS 'Phone numbers of the contact that has that e-mail address';

CREATE FUNCTION ccm.queue_log_row_opts_out() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    asked text := coalesce(NEW.data[1], '');
    about uuid;
BEGIN
    SELECT i.id INTO about FROM ccm.interaction AS i
    WHERE i.uniqueid = NEW.call AND i.node_id = NEW.node_id AND NEW.call <> 'NONE' LIMIT 1;
    PERFORM ccm.note_opt_out('call:' || n.name || ':' || NEW.call, 'call', asked,
        array_remove(ARRAY [ccm.e164_of(asked)], NULL), NULL, about, NEW.at, 'ccm', '', true)
    FROM ccm.node AS n WHERE n.id = NEW.node_id;
    PERFORM ccm.try_to_honour_opt_outs(now());
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ccm.queue_log_row_opts_out() IS 'Trigger: the row that the dialplan library writes for a caller who wants no calls';
CREATE TRIGGER queue_log_row_opts_out
    AFTER INSERT ON ccm.queue_log_row
    FOR EACH ROW WHEN (NEW.event = 'CCMOPTOUT')
    EXECUTE FUNCTION ccm.queue_log_row_opts_out();
