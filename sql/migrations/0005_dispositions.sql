-- Dispositions: what agents say came of a contact. Rows are added and never taken back; the newest of an
-- interaction holds, the others are its history.
--
-- Two ways in. `ccm interaction dispose` names the interaction. A code that an agent keys in after a call
-- (asterisk/dialplan/ccm-agents.conf) names the agent and the time: it belongs to the last segment that the
-- agent had answered by then. Either may be written first, the segment (which may come hours later, from a
-- journal or from queue_log) or the disposition, so both look for the other. The same key-press arrives as an
-- event and as a row of queue_log; both carry the unique id of the call that keyed it in, and the id of the
-- row is made of it.

CREATE TABLE ccm.disposition_code (
    code       text PRIMARY KEY,
    label      text NOT NULL DEFAULT '',
    keypad     text,
    active     boolean NOT NULL DEFAULT true,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT disposition_code_not_empty CHECK (code <> ''),
    CONSTRAINT disposition_code_keypad_is_digits CHECK (keypad ~ '^[0-9]{1,8}$')
);
COMMENT ON TABLE ccm.disposition_code IS 'Codes that may be given to an interaction';
COMMENT ON COLUMN ccm.disposition_code.code IS 'The code, as it is stored and shown';
COMMENT ON COLUMN ccm.disposition_code.label IS 'What it means';
COMMENT ON COLUMN ccm.disposition_code.keypad IS 'Digits by which agents key it in; null when they can''t';
COMMENT ON COLUMN ccm.disposition_code.active IS 'False once it was removed; what was given before keeps it';
COMMENT ON COLUMN ccm.disposition_code.changed_at IS 'When it was added or last changed';
CREATE UNIQUE INDEX disposition_code_keypad_unique ON ccm.disposition_code (keypad) WHERE active;

CREATE TABLE ccm.disposition (
    id             uuid PRIMARY KEY DEFAULT ccm.uuid7(),
    interaction_id uuid,
    segment        smallint,
    agent_id       uuid REFERENCES ccm.agent,
    code           text NOT NULL,
    note           text NOT NULL DEFAULT '',
    given_by       text NOT NULL,
    given_at       timestamptz NOT NULL DEFAULT now(),
    source         text NOT NULL,
    CONSTRAINT disposition_source_known CHECK (source IN ('cli', 'keypad')),
    CONSTRAINT disposition_is_about_something CHECK (interaction_id IS NOT NULL OR agent_id IS NOT NULL)
);
COMMENT ON TABLE ccm.disposition IS 'What was said to have come of interactions, in the order in which it was said';
COMMENT ON COLUMN ccm.disposition.id IS 'From the keypad: hash of node and call that keyed it in, so that it counts once';
COMMENT ON COLUMN ccm.disposition.interaction_id IS 'The interaction; null while no segment of the agent is known that it could be about';
COMMENT ON COLUMN ccm.disposition.segment IS 'Ordinal of the segment it is about; null when it is about the whole';
COMMENT ON COLUMN ccm.disposition.agent_id IS 'The agent who keyed it in, or whose segment it is about';
COMMENT ON COLUMN ccm.disposition.code IS 'The code; the digits as they were keyed in when no code had them';
COMMENT ON COLUMN ccm.disposition.note IS 'Free text';
COMMENT ON COLUMN ccm.disposition.given_by IS 'User of the operating system, or interface that keyed it in';
COMMENT ON COLUMN ccm.disposition.given_at IS 'When it was given';
COMMENT ON COLUMN ccm.disposition.source IS 'cli or keypad';
CREATE INDEX disposition_interaction ON ccm.disposition (interaction_id, given_at);
CREATE INDEX disposition_agent ON ccm.disposition (agent_id, given_at) WHERE source = 'keypad';

CREATE FUNCTION ccm.disposition_reach() RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT interval '12 hours' $$;
COMMENT ON FUNCTION ccm.disposition_reach() IS 'How long after the beginning of a talk a code may be keyed in for it';

CREATE FUNCTION ccm.keypad_disposition_id(node text, call text) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT md5(node || E'\n' || call)::uuid $$;
COMMENT ON FUNCTION ccm.keypad_disposition_id(text, text) IS 'Id of the disposition that was keyed in by that call on that node';

CREATE FUNCTION ccm.keypad_code(digits text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT coalesce((SELECT c.code FROM ccm.disposition_code AS c WHERE c.keypad = digits AND c.active), digits)
$$;
COMMENT ON FUNCTION ccm.keypad_code(text) IS 'The code that is keyed in by these digits; the digits themselves when there is none';

CREATE FUNCTION ccm.disposition_finds_segment() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    SELECT s.interaction_id, s.ordinal INTO NEW.interaction_id, NEW.segment
    FROM ccm.segment AS s
    WHERE s.agent_id = NEW.agent_id AND s.answered_at <= NEW.given_at
        AND s.answered_at > NEW.given_at - ccm.disposition_reach()
    ORDER BY s.answered_at DESC
    LIMIT 1;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION ccm.disposition_finds_segment() IS 'Trigger: a code from the keypad belongs to the agent''s last segment';
CREATE TRIGGER disposition_finds_segment
    BEFORE INSERT ON ccm.disposition
    FOR EACH ROW WHEN (NEW.source = 'keypad')
    EXECUTE FUNCTION ccm.disposition_finds_segment();

CREATE FUNCTION ccm.segment_finds_dispositions() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE ccm.disposition AS d
    SET interaction_id = NEW.interaction_id, segment = NEW.ordinal
    WHERE d.source = 'keypad' AND d.agent_id = NEW.agent_id
        AND d.given_at >= NEW.answered_at AND d.given_at < NEW.answered_at + ccm.disposition_reach()
        AND NOT EXISTS (
            SELECT FROM ccm.segment AS s
            WHERE s.agent_id = NEW.agent_id
                AND s.answered_at > NEW.answered_at AND s.answered_at <= d.given_at);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ccm.segment_finds_dispositions() IS 'Trigger: a segment that comes late takes the codes that were keyed in for it';
CREATE TRIGGER segment_finds_dispositions
    AFTER INSERT ON ccm.segment
    FOR EACH ROW EXECUTE FUNCTION ccm.segment_finds_dispositions();

CREATE FUNCTION ccm.queue_log_row_disposes() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NEW.data[1] ~ '^[0-9]{1,8}$' THEN
        INSERT INTO ccm.agent (node_id, interface, name) VALUES (NEW.node_id, NEW.agent, NEW.agent)
        ON CONFLICT (node_id, interface) DO NOTHING;
        INSERT INTO ccm.disposition (id, agent_id, code, given_by, given_at, source)
        SELECT ccm.keypad_disposition_id(n.name, NEW.call), a.id, ccm.keypad_code(NEW.data[1]),
            NEW.agent, NEW.at, 'keypad'
        FROM ccm.agent AS a JOIN ccm.node AS n ON n.id = a.node_id
        WHERE a.node_id = NEW.node_id AND a.interface = NEW.agent
        ON CONFLICT (id) DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ccm.queue_log_row_disposes() IS 'Trigger: the row that the dialplan library writes for a code is a disposition';
CREATE TRIGGER queue_log_row_disposes
    AFTER INSERT ON ccm.queue_log_row
    FOR EACH ROW WHEN (NEW.event = 'CCMDISPOSITION')
    EXECUTE FUNCTION ccm.queue_log_row_disposes();
