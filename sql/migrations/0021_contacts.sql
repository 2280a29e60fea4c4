-- Contacts: the customers behind addresses and numbers, and which calls belong to a conversation.
--
-- An address or number belongs to a contact because somebody said so: by `ccm contact`, an import, or an agent.
-- Nothing here guesses. Who changes contacts takes the advisory lock of lock_contacts.sql first, so that
-- checks hold until the end; what changed is written into ccm.contact_change in the same transaction.

CREATE TABLE ccm.contact (
    id          uuid PRIMARY KEY DEFAULT ccm.uuid7(),
    name        text NOT NULL,
    note        text NOT NULL DEFAULT '',
    made_at     timestamptz NOT NULL DEFAULT now(),
    made_by     text NOT NULL,
    merged_into uuid REFERENCES ccm.contact,
    CONSTRAINT contact_has_a_name CHECK (name <> ''),
    CONSTRAINT contact_merged_into_another CHECK (merged_into <> id)
);
COMMENT ON TABLE ccm.contact IS 'A customer';
COMMENT ON COLUMN ccm.contact.id IS 'UUIDv7';
COMMENT ON COLUMN ccm.contact.name IS 'Name, as we call the customer';
COMMENT ON COLUMN ccm.contact.note IS 'What there is to know; free text';
COMMENT ON COLUMN ccm.contact.made_at IS 'When it was made';
COMMENT ON COLUMN ccm.contact.made_by IS 'User of the operating system, or agent, who made it';
COMMENT ON COLUMN ccm.contact.merged_into IS 'The contact that this one turned out to be, and that has its addresses now; null otherwise';
CREATE INDEX contact_name ON ccm.contact (lower(name)) WHERE merged_into IS NULL;

CREATE TABLE ccm.contact_address (
    kind       text NOT NULL,
    address    text NOT NULL,
    contact_id uuid NOT NULL REFERENCES ccm.contact,
    linked_how text NOT NULL,
    linked_by  text NOT NULL,
    linked_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, address),
    CONSTRAINT contact_address_kind_known CHECK (kind IN ('email', 'phone')),
    CONSTRAINT contact_address_is_normal CHECK (CASE kind
        WHEN 'email' THEN address = lower(address) AND address LIKE '_%@_%'
        ELSE address ~ '^[+]?[0-9]{1,32}$' END),
    CONSTRAINT contact_address_linked_how_known CHECK (linked_how IN ('cli', 'import', 'agent'))
);
COMMENT ON TABLE ccm.contact_address IS 'Addresses and numbers of contacts; each belongs to one';
COMMENT ON COLUMN ccm.contact_address.kind IS 'email or phone';
COMMENT ON COLUMN ccm.contact_address.address IS 'Address in lower case; number as digits, perhaps behind a +';
COMMENT ON COLUMN ccm.contact_address.contact_id IS 'The contact';
COMMENT ON COLUMN ccm.contact_address.linked_how IS 'cli (ccm contact), import, or agent (an agent''s word)';
COMMENT ON COLUMN ccm.contact_address.linked_by IS 'Who said so';
COMMENT ON COLUMN ccm.contact_address.linked_at IS 'When';
CREATE INDEX contact_address_contact ON ccm.contact_address (contact_id);

CREATE TABLE ccm.contact_change (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    contact_id uuid REFERENCES ccm.contact,
    changed_at timestamptz NOT NULL DEFAULT now(),
    changed_by text NOT NULL,
    how        text NOT NULL,
    what       text NOT NULL,
    before     text,
    after      text,
    CONSTRAINT contact_change_how_known CHECK (how IN ('cli', 'import', 'agent'))
);
COMMENT ON TABLE ccm.contact_change IS 'History of contacts; rows are never changed';
COMMENT ON COLUMN ccm.contact_change.id IS 'In the order in which it was changed';
COMMENT ON COLUMN ccm.contact_change.contact_id IS 'The contact; null for a setting';
COMMENT ON COLUMN ccm.contact_change.changed_at IS 'When';
COMMENT ON COLUMN ccm.contact_change.changed_by IS 'Who';
COMMENT ON COLUMN ccm.contact_change.how IS 'cli, import or agent';
COMMENT ON COLUMN ccm.contact_change.what IS
    'name, note; email, phone (linked or unlinked); merged (into another), absorbed (another was merged into it); or which setting';
COMMENT ON COLUMN ccm.contact_change.before IS 'Value before; null when there was none';
COMMENT ON COLUMN ccm.contact_change.after IS 'Value from then on; null when there is none';
CREATE INDEX contact_change_contact ON ccm.contact_change (contact_id, id);
CREATE TRIGGER contact_change_append_only
    BEFORE UPDATE OR DELETE ON ccm.contact_change
    FOR EACH ROW EXECUTE FUNCTION ccm.refuse_change();

CREATE TABLE ccm.contact_setting (
    one                  boolean PRIMARY KEY DEFAULT true,
    country_code         text NOT NULL DEFAULT '',
    international_prefix text NOT NULL DEFAULT '00',
    national_prefix      text NOT NULL DEFAULT '0',
    show_on_phone        boolean NOT NULL DEFAULT true,
    CONSTRAINT contact_setting_is_one CHECK (one),
    CONSTRAINT contact_setting_are_digits CHECK (country_code ~ '^([1-9][0-9]{0,3})?$'
        AND international_prefix ~ '^[0-9]{0,5}$' AND national_prefix ~ '^[0-9]{0,3}$')
);
COMMENT ON TABLE ccm.contact_setting IS 'What holds for all contacts; one row';
COMMENT ON COLUMN ccm.contact_setting.one IS 'Always true';
COMMENT ON COLUMN ccm.contact_setting.country_code IS
    'Code of the country whose numbers come without it, such as 49; empty: numbers are compared digit by digit';
COMMENT ON COLUMN ccm.contact_setting.international_prefix IS 'What stands for + in numbers of the trunk, such as 00; empty: nothing';
COMMENT ON COLUMN ccm.contact_setting.national_prefix IS 'What national numbers begin with, such as 0; empty: they can''t be told from others';
COMMENT ON COLUMN ccm.contact_setting.show_on_phone IS 'Whether agents'' phones show that a caller has open emails';
INSERT INTO ccm.contact_setting DEFAULT VALUES;

-- The way back stands in ccmiddleware/contacts/numbers.py: each of these forms, and no other, is that number.
-- With the owner's rights, since analysts read report.journey and not the tables.
CREATE FUNCTION ccm.forms_of_number(number text) RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE ROWS 3
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT number
    UNION ALL
    SELECT s.international_prefix || substring(number FROM 2)
    FROM ccm.contact_setting AS s
    WHERE number LIKE '+%' AND s.country_code <> '' AND s.international_prefix <> ''
    UNION ALL
    SELECT s.national_prefix || substring(number FROM 2 + length(s.country_code))
    FROM ccm.contact_setting AS s
    WHERE s.country_code <> '' AND s.national_prefix <> '' AND number LIKE '+' || s.country_code || '_%'
        AND (s.international_prefix = ''
            OR s.national_prefix || substring(number FROM 2 + length(s.country_code)) NOT LIKE s.international_prefix || '%')
$$;
COMMENT ON FUNCTION ccm.forms_of_number(text) IS
    'How Asterisk may have a number of ccm.contact_address, by the rule of ccm.contact_setting; without a rule as it is';

CREATE FUNCTION ccm.addresses_of(recipients jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT array_agg(lower(r ->> 'address')) FROM jsonb_array_elements(recipients) AS r $$;
COMMENT ON FUNCTION ccm.addresses_of(jsonb) IS 'The addresses in ccm.email.recipients, in lower case';
CREATE INDEX email_sent_to ON ccm.email USING gin (ccm.addresses_of(recipients)) WHERE direction = 'outbound';

CREATE TABLE ccm.conversation_interaction (
    id              uuid PRIMARY KEY DEFAULT ccm.uuid7(),
    conversation_id uuid NOT NULL REFERENCES ccm.conversation,
    interaction_id  uuid NOT NULL,
    linked_at       timestamptz NOT NULL DEFAULT now(),
    linked_by       text NOT NULL,
    unlinked_at     timestamptz,
    unlinked_by     text,
    CONSTRAINT conversation_interaction_unlinked_by CHECK ((unlinked_at IS NULL) = (unlinked_by IS NULL))
);
COMMENT ON TABLE ccm.conversation_interaction IS 'Calls that belong to conversations, because somebody said so';
COMMENT ON COLUMN ccm.conversation_interaction.id IS 'UUIDv7';
COMMENT ON COLUMN ccm.conversation_interaction.conversation_id IS 'The conversation';
COMMENT ON COLUMN ccm.conversation_interaction.interaction_id IS 'The call';
COMMENT ON COLUMN ccm.conversation_interaction.linked_at IS 'When somebody said so';
COMMENT ON COLUMN ccm.conversation_interaction.linked_by IS 'Who';
COMMENT ON COLUMN ccm.conversation_interaction.unlinked_at IS 'When it was taken back; null while it holds';
COMMENT ON COLUMN ccm.conversation_interaction.unlinked_by IS 'Who took it back';
CREATE UNIQUE INDEX conversation_interaction_once
    ON ccm.conversation_interaction (conversation_id, interaction_id) WHERE unlinked_at IS NULL;
CREATE INDEX conversation_interaction_call ON ccm.conversation_interaction (interaction_id) WHERE unlinked_at IS NULL;
