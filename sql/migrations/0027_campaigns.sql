-- Campaigns, their leads, and who must not be called.
--
-- A campaign is edited with `ccm campaign`; what is set of it stands in one object, checked by
-- ccmiddleware/dialer/settings.py. Every edit raises its revision in the same transaction, and writes who changed what
-- into ccm.campaign_change. Leads come by `ccm lead import`, a million at a time. Which of them may be called now is
-- worked out for each place of ccm.place (there are some hundreds), so that claiming leads is one statement that joins
-- places. The do-not-call list has a version that every change of it raises: what was on it at a version can be told
-- for ever, since entries are never changed but only removed.

CREATE TABLE ccm.trunk (
    id               uuid PRIMARY KEY DEFAULT ccm.uuid7(),
    name             text NOT NULL,
    dial             text NOT NULL,
    channels         integer NOT NULL,
    calls_per_second numeric(6, 2) NOT NULL,
    note             text NOT NULL DEFAULT '',
    changed_at       timestamptz NOT NULL DEFAULT now(),
    changed_by       text NOT NULL,
    CONSTRAINT trunk_name_unique UNIQUE (name),
    CONSTRAINT trunk_name_is_a_word CHECK (name ~ '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,39}$'),
    CONSTRAINT trunk_dial_is_technology_and_resource CHECK (
        dial ~ '^[A-Za-z][A-Za-z0-9]*/[A-Za-z0-9_@:/.+*#;-]*\{(number|digits)\}[A-Za-z0-9_@:/.+*#;-]*$'),
    CONSTRAINT trunk_limits_in_range CHECK (channels BETWEEN 1 AND 10000 AND calls_per_second BETWEEN 0.1 AND 1000)
);
COMMENT ON TABLE ccm.trunk IS 'Ways out of Asterisk by which campaigns dial';
COMMENT ON COLUMN ccm.trunk.id IS 'UUIDv7';
COMMENT ON COLUMN ccm.trunk.name IS 'Name, as campaigns call it';
COMMENT ON COLUMN ccm.trunk.dial IS
    'What Asterisk dials, such as PJSIP/{number}@provider: {number} is the number with its +, {digits} without';
COMMENT ON COLUMN ccm.trunk.channels IS 'Most calls on it at once, of all campaigns';
COMMENT ON COLUMN ccm.trunk.calls_per_second IS 'Most calls begun on it in a second, of all campaigns';
COMMENT ON COLUMN ccm.trunk.note IS 'What there is to know';
COMMENT ON COLUMN ccm.trunk.changed_at IS 'When it was set';
COMMENT ON COLUMN ccm.trunk.changed_by IS 'User of the operating system who set it';

CREATE TABLE ccm.campaign (
    id         uuid PRIMARY KEY DEFAULT ccm.uuid7(),
    name       text NOT NULL,
    state      text NOT NULL DEFAULT 'draft',
    settings   jsonb NOT NULL DEFAULT '{}',
    revision   bigint NOT NULL DEFAULT 0,
    mode       text NOT NULL GENERATED ALWAYS AS (coalesce(settings ->> 'mode', 'progressive')) STORED,
    node       text GENERATED ALWAYS AS (settings ->> 'node') STORED,
    queue      text GENERATED ALWAYS AS (settings ->> 'queue') STORED,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    state_at   timestamptz NOT NULL DEFAULT now(),
    state_by   text NOT NULL,
    started_at timestamptz,
    CONSTRAINT campaign_name_unique UNIQUE (name),
    CONSTRAINT campaign_name_is_a_word CHECK (name ~ '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,59}$'),
    CONSTRAINT campaign_state_known CHECK (state IN ('draft', 'running', 'paused', 'stopped')),
    CONSTRAINT campaign_mode_known CHECK (mode IN ('preview', 'progressive', 'power', 'predictive', 'agentless')),
    CONSTRAINT campaign_settings_is_an_object CHECK (jsonb_typeof(settings) = 'object'),
    CONSTRAINT campaign_started_unless_draft CHECK ((state = 'draft') = (started_at IS NULL))
);
COMMENT ON TABLE ccm.campaign IS 'Campaigns: whom to call, and how';
COMMENT ON COLUMN ccm.campaign.id IS 'UUIDv7';
COMMENT ON COLUMN ccm.campaign.name IS 'Name; never changed';
COMMENT ON COLUMN ccm.campaign.state IS
    'draft (never started), running, paused (begins no calls, keeps its promises), stopped (begins none)';
COMMENT ON COLUMN ccm.campaign.settings IS
    'What `ccm campaign set` sets, by key (ccmiddleware/dialer/settings.py); what is not there has its default';
COMMENT ON COLUMN ccm.campaign.revision IS 'Raised by every edit of settings or state';
COMMENT ON COLUMN ccm.campaign.mode IS 'Of the settings: preview, progressive, power, predictive or agentless';
COMMENT ON COLUMN ccm.campaign.node IS 'Of the settings: name of the node that dials';
COMMENT ON COLUMN ccm.campaign.queue IS 'Of the settings: name of the queue whose agents talk';
COMMENT ON COLUMN ccm.campaign.created_at IS 'When it was made';
COMMENT ON COLUMN ccm.campaign.created_by IS 'User of the operating system who made it';
COMMENT ON COLUMN ccm.campaign.state_at IS 'When it came into its state';
COMMENT ON COLUMN ccm.campaign.state_by IS 'Who brought it there: user of the operating system, or ccm for the daemon';
COMMENT ON COLUMN ccm.campaign.started_at IS 'When it was first started; null for drafts';

-- Without a foreign key: what was done with a draft that was deleted stays.
CREATE TABLE ccm.campaign_change (
    id          uuid PRIMARY KEY DEFAULT ccm.uuid7(),
    campaign_id uuid NOT NULL,
    campaign    text NOT NULL,
    revision    bigint NOT NULL,
    changed_at  timestamptz NOT NULL DEFAULT now(),
    changed_by  text NOT NULL,
    what        text NOT NULL,
    before      text,
    after       text
);
COMMENT ON TABLE ccm.campaign_change IS 'History of campaigns; rows are never changed';
COMMENT ON COLUMN ccm.campaign_change.id IS 'UUIDv7: sorts by time';
COMMENT ON COLUMN ccm.campaign_change.campaign_id IS 'The campaign, which may have been deleted';
COMMENT ON COLUMN ccm.campaign_change.campaign IS 'Its name';
COMMENT ON COLUMN ccm.campaign_change.revision IS 'Revision that the edit made';
COMMENT ON COLUMN ccm.campaign_change.changed_at IS 'When it was changed';
COMMENT ON COLUMN ccm.campaign_change.changed_by IS 'User of the operating system who changed it, or ccm for the daemon';
COMMENT ON COLUMN ccm.campaign_change.what IS 'Setting; or state, leads';
COMMENT ON COLUMN ccm.campaign_change.before IS 'Value before; null when there was none';
COMMENT ON COLUMN ccm.campaign_change.after IS 'Value from then on; null when there is none';
CREATE INDEX campaign_change_campaign ON ccm.campaign_change (campaign_id, id);
CREATE TRIGGER campaign_change_append_only
    BEFORE UPDATE OR DELETE ON ccm.campaign_change
    FOR EACH ROW EXECUTE FUNCTION ccm.refuse_change();

CREATE TABLE ccm.place (
    id      integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    country text NOT NULL,
    zones   text[] NOT NULL,
    states  text[] NOT NULL,
    CONSTRAINT place_unique UNIQUE (country, zones, states),
    CONSTRAINT place_country_is_iso CHECK (country ~ '^[A-Z0-9]{2,3}$'),
    CONSTRAINT place_zones_not_empty CHECK (cardinality(zones) > 0)
);
COMMENT ON TABLE ccm.place IS
    'Where called parties may be. A place is called only when it is lawful in all its zones and states';
COMMENT ON COLUMN ccm.place.id IS 'Number of the place';
COMMENT ON COLUMN ccm.place.country IS 'Country of the number plan, ISO 3166 alpha-2; 001 for numbers of no country';
COMMENT ON COLUMN ccm.place.zones IS 'All IANA time zones in which the party may be, sorted';
COMMENT ON COLUMN ccm.place.states IS 'All subdivisions in which it may be, ISO 3166-2, sorted; empty when unknown or of no matter';

CREATE TABLE ccm.lead_import (
    id          bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    campaign_id uuid NOT NULL REFERENCES ccm.campaign,
    file        text NOT NULL,
    imported_at timestamptz NOT NULL DEFAULT now(),
    imported_by text NOT NULL,
    rows        integer NOT NULL DEFAULT 0,
    leads       integer NOT NULL DEFAULT 0,
    numbers     integer NOT NULL DEFAULT 0,
    rejected    jsonb NOT NULL DEFAULT '{}',
    options     jsonb NOT NULL,
    dnc_version bigint NOT NULL
);
COMMENT ON TABLE ccm.lead_import IS 'Files of leads that were imported';
COMMENT ON COLUMN ccm.lead_import.id IS 'Number of the import';
COMMENT ON COLUMN ccm.lead_import.campaign_id IS 'The campaign that got the leads';
COMMENT ON COLUMN ccm.lead_import.file IS 'Name of the file, without its folder';
COMMENT ON COLUMN ccm.lead_import.imported_at IS 'When';
COMMENT ON COLUMN ccm.lead_import.imported_by IS 'User of the operating system who did it';
COMMENT ON COLUMN ccm.lead_import.rows IS 'Rows of the file, without its header';
COMMENT ON COLUMN ccm.lead_import.leads IS 'Leads that came of them';
COMMENT ON COLUMN ccm.lead_import.numbers IS 'Numbers of those leads';
COMMENT ON COLUMN ccm.lead_import.rejected IS 'Rows that were refused, by reason';
COMMENT ON COLUMN ccm.lead_import.options IS 'How it was imported: columns, region, what was done with duplicates and listed numbers';
COMMENT ON COLUMN ccm.lead_import.dnc_version IS 'Version of the do-not-call list that the numbers were compared with';

CREATE TABLE ccm.lead (
    id          bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
    campaign_id uuid NOT NULL REFERENCES ccm.campaign,
    import_id   bigint REFERENCES ccm.lead_import,
    external_id text NOT NULL DEFAULT '',
    name        text NOT NULL DEFAULT '',
    priority    smallint NOT NULL DEFAULT 0,
    state       text NOT NULL DEFAULT 'new',
    next_number smallint NOT NULL DEFAULT 1,
    place_id    integer NOT NULL REFERENCES ccm.place,
    next_at     timestamptz NOT NULL DEFAULT now(),
    attempts    smallint NOT NULL DEFAULT 0,
    last_result text,
    zone        text NOT NULL DEFAULT '',
    postal_code text NOT NULL DEFAULT '',
    subdivision text NOT NULL DEFAULT '',
    country     text NOT NULL DEFAULT '',
    consent     text NOT NULL DEFAULT '',
    custom      jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT lead_state_known CHECK (state IN ('new', 'ready', 'claimed', 'waiting', 'done')),
    CONSTRAINT lead_priority_in_range CHECK (priority BETWEEN -100 AND 100),
    CONSTRAINT lead_next_number_positive CHECK (next_number > 0),
    CONSTRAINT lead_attempts_not_negative CHECK (attempts >= 0)
);
COMMENT ON TABLE ccm.lead IS 'Who is to be called in a campaign';
COMMENT ON COLUMN ccm.lead.id IS 'Number of the lead';
COMMENT ON COLUMN ccm.lead.campaign_id IS 'The campaign';
COMMENT ON COLUMN ccm.lead.import_id IS 'The import by which it came; null for one that came otherwise';
COMMENT ON COLUMN ccm.lead.external_id IS 'Id in the system that it comes from; empty when it has none';
COMMENT ON COLUMN ccm.lead.name IS 'Name, as agents see it';
COMMENT ON COLUMN ccm.lead.priority IS 'Higher is called first';
COMMENT ON COLUMN ccm.lead.state IS
    'new (never called), ready (to be called again), claimed (a call is on), waiting (until next_at), done';
COMMENT ON COLUMN ccm.lead.next_number IS 'Ordinal of the number that is dialled next';
COMMENT ON COLUMN ccm.lead.place_id IS 'Place of that number; always that of ccm.lead_number';
COMMENT ON COLUMN ccm.lead.next_at IS 'Since when it may be called; of one that waits, until when';
COMMENT ON COLUMN ccm.lead.attempts IS 'Attempts so far, on all its numbers';
COMMENT ON COLUMN ccm.lead.last_result IS
    'Result of the last attempt: connected, dropped, hung_up, machine, no_answer, busy, failed, unknown; or dnc: all its numbers were on the list when it came. Null when there was none';
COMMENT ON COLUMN ccm.lead.zone IS 'IANA time zone that the file gave; empty for none';
COMMENT ON COLUMN ccm.lead.postal_code IS 'Postal code that the file gave; empty for none';
COMMENT ON COLUMN ccm.lead.subdivision IS 'State or province that the file gave; empty for none';
COMMENT ON COLUMN ccm.lead.country IS 'Country that the file gave; empty for none';
COMMENT ON COLUMN ccm.lead.consent IS 'When and how the party agreed to recorded messages, in the words of the file; empty: it is not known that it did';
COMMENT ON COLUMN ccm.lead.custom IS 'What else the file had, by column';
CREATE UNIQUE INDEX lead_external_id ON ccm.lead (campaign_id, external_id) WHERE external_id <> '';
CREATE INDEX lead_campaign ON ccm.lead (campaign_id, id);
-- The order in which leads of a place are claimed; what can be claimed at once, and nothing else, stands in it.
CREATE INDEX lead_to_claim ON ccm.lead (campaign_id, place_id, priority DESC, next_at, id)
    WHERE state IN ('new', 'ready');
CREATE INDEX lead_waiting ON ccm.lead (next_at) WHERE state = 'waiting';
CREATE INDEX lead_claimed ON ccm.lead (campaign_id) WHERE state = 'claimed';

CREATE TABLE ccm.lead_number (
    lead_id  bigint NOT NULL REFERENCES ccm.lead,
    ordinal  smallint NOT NULL,
    number   text NOT NULL,
    kind     text NOT NULL,
    place_id integer NOT NULL REFERENCES ccm.place,
    evidence text NOT NULL,
    PRIMARY KEY (lead_id, ordinal),
    CONSTRAINT lead_number_ordinal_in_range CHECK (ordinal BETWEEN 1 AND 20),
    CONSTRAINT lead_number_is_e164 CHECK (number ~ '^\+[1-9][0-9]{3,14}$'),
    CONSTRAINT lead_number_kind_known CHECK (kind IN ('fixed', 'mobile', 'fixed_or_mobile', 'toll_free', 'voip', 'other'))
);
COMMENT ON TABLE ccm.lead_number IS 'Numbers of leads';
COMMENT ON COLUMN ccm.lead_number.lead_id IS 'The lead';
COMMENT ON COLUMN ccm.lead_number.ordinal IS '1 is the first to be dialled';
COMMENT ON COLUMN ccm.lead_number.number IS 'E.164, with its +';
COMMENT ON COLUMN ccm.lead_number.kind IS
    'By the number plan: fixed, mobile, fixed_or_mobile (where the plan does not tell, as in the US), toll_free, voip, other';
COMMENT ON COLUMN ccm.lead_number.place_id IS 'Where the party may be';
COMMENT ON COLUMN ccm.lead_number.evidence IS 'What said so when it was imported, in words';
CREATE INDEX lead_number_number ON ccm.lead_number (number);

CREATE TABLE ccm.dnc_list (
    one        boolean PRIMARY KEY DEFAULT true,
    version    bigint NOT NULL DEFAULT 0,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT dnc_list_is_one CHECK (one)
);
COMMENT ON TABLE ccm.dnc_list IS 'The do-not-call list as a whole; one row';
COMMENT ON COLUMN ccm.dnc_list.one IS 'Always true';
COMMENT ON COLUMN ccm.dnc_list.version IS 'Raised by every change of ccm.dnc_entry, in its transaction';
COMMENT ON COLUMN ccm.dnc_list.changed_at IS 'When the list was last changed';
INSERT INTO ccm.dnc_list DEFAULT VALUES;

CREATE TABLE ccm.dnc_entry (
    id              bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    number          text NOT NULL,
    prefix          boolean NOT NULL DEFAULT false,
    campaign_id     uuid REFERENCES ccm.campaign,
    source          text NOT NULL,
    note            text NOT NULL DEFAULT '',
    added_at        timestamptz NOT NULL DEFAULT now(),
    added_by        text NOT NULL,
    added_version   bigint NOT NULL,
    expires_at      timestamptz,
    removed_at      timestamptz,
    removed_by      text,
    removed_version bigint,
    CONSTRAINT dnc_entry_number_is_e164 CHECK (
        CASE WHEN prefix THEN number ~ '^\+[1-9][0-9]{0,13}$' ELSE number ~ '^\+[1-9][0-9]{3,14}$' END),
    CONSTRAINT dnc_entry_source_is_a_word CHECK (source ~ '^[a-z0-9][a-z0-9_.-]{0,39}$'),
    CONSTRAINT dnc_entry_removed_by_somebody CHECK ((removed_at IS NULL) = (removed_by IS NULL)
        AND (removed_at IS NULL) = (removed_version IS NULL)),
    CONSTRAINT dnc_entry_removed_after_added CHECK (removed_version > added_version)
);
COMMENT ON TABLE ccm.dnc_entry IS
    'Numbers that must not be called. Rows are added and removed, and never changed otherwise: version V of the list is what was added by V and not removed by V';
COMMENT ON COLUMN ccm.dnc_entry.id IS 'Number of the entry';
COMMENT ON COLUMN ccm.dnc_entry.number IS 'E.164, with its +; or the beginning of numbers';
COMMENT ON COLUMN ccm.dnc_entry.prefix IS 'True: all numbers that begin so';
COMMENT ON COLUMN ccm.dnc_entry.campaign_id IS 'The campaign that must not call it; null: none may';
COMMENT ON COLUMN ccm.dnc_entry.source IS
    'Where it comes from, such as internal, opt_out or national; an entry of one source does not replace that of another';
COMMENT ON COLUMN ccm.dnc_entry.note IS 'What there is to know';
COMMENT ON COLUMN ccm.dnc_entry.added_at IS 'When it was added';
COMMENT ON COLUMN ccm.dnc_entry.added_by IS 'User of the operating system who added it, or ccm for the daemon';
COMMENT ON COLUMN ccm.dnc_entry.added_version IS 'Version of the list that has it first';
COMMENT ON COLUMN ccm.dnc_entry.expires_at IS 'Until when it holds; null for ever';
COMMENT ON COLUMN ccm.dnc_entry.removed_at IS 'When it was removed; null while it stands';
COMMENT ON COLUMN ccm.dnc_entry.removed_by IS 'Who removed it';
COMMENT ON COLUMN ccm.dnc_entry.removed_version IS 'Version of the list that has it no more';
CREATE UNIQUE INDEX dnc_entry_standing
    ON ccm.dnc_entry (number, prefix, source, coalesce(campaign_id, '00000000-0000-0000-0000-000000000000'))
    WHERE removed_at IS NULL;
CREATE INDEX dnc_entry_prefixes ON ccm.dnc_entry (number) WHERE prefix AND removed_at IS NULL;
CREATE INDEX dnc_entry_campaign ON ccm.dnc_entry (campaign_id) WHERE campaign_id IS NOT NULL;

CREATE FUNCTION ccm.beginnings_of_number(number text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT array_agg(left(number, n)) FROM generate_series(2, length(number)) AS n $$;
COMMENT ON FUNCTION ccm.beginnings_of_number(text) IS
    'The number and all its beginnings from +1 on: what an entry of ccm.dnc_entry that forbids it may hold';

CREATE TABLE ccm.dnc_scrub (
    id          bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    campaign_id uuid REFERENCES ccm.campaign,
    source      text NOT NULL,
    version     text NOT NULL DEFAULT '',
    scrubbed_at timestamptz NOT NULL,
    noted_at    timestamptz NOT NULL DEFAULT now(),
    noted_by    text NOT NULL,
    note        text NOT NULL DEFAULT '',
    dnc_version bigint NOT NULL,
    CONSTRAINT dnc_scrub_source_is_a_word CHECK (source ~ '^[a-z0-9][a-z0-9_.-]{0,39}$')
);
COMMENT ON TABLE ccm.dnc_scrub IS 'When leads were compared with a public do-not-call list, or that list was imported; rows are never changed';
COMMENT ON COLUMN ccm.dnc_scrub.id IS 'Number of the row';
COMMENT ON COLUMN ccm.dnc_scrub.campaign_id IS 'The campaign whose leads were compared; null: all';
COMMENT ON COLUMN ccm.dnc_scrub.source IS 'Which list, such as national';
COMMENT ON COLUMN ccm.dnc_scrub.version IS 'Edition of that list, as its keeper calls it';
COMMENT ON COLUMN ccm.dnc_scrub.scrubbed_at IS 'Of what time the list was';
COMMENT ON COLUMN ccm.dnc_scrub.noted_at IS 'When this was written down';
COMMENT ON COLUMN ccm.dnc_scrub.noted_by IS 'User of the operating system who said so';
COMMENT ON COLUMN ccm.dnc_scrub.note IS 'What there is to know';
COMMENT ON COLUMN ccm.dnc_scrub.dnc_version IS 'Version of ccm.dnc_list at that moment';
CREATE INDEX dnc_scrub_source ON ccm.dnc_scrub (source, scrubbed_at);
CREATE TRIGGER dnc_scrub_append_only
    BEFORE UPDATE OR DELETE ON ccm.dnc_scrub
    FOR EACH ROW EXECUTE FUNCTION ccm.refuse_change();
