-- Several daemons on one database: who they are, and which of them leads which node.
--
-- A daemon leads a node while it holds the advisory lock (1667460354, leadership.number) on a connection
-- that serves nothing else. Each time that the lead passes to somebody, the node's term is raised by one,
-- under the exclusive advisory lock (1667460355, number), the fence. Whoever writes facts holds the fence
-- shared meanwhile, so that a batch is either there before a term begins, or knows that it comes late.
--
-- Versions are term * 10^9 + n from now on (ccmiddleware/store/terms.py): what is told in a later term is
-- newer. That needs 64 bits. The tables are written anew for it.

ALTER TABLE ccm.interaction ALTER COLUMN version TYPE bigint;
ALTER TABLE ccm.queue_visit ALTER COLUMN version TYPE bigint;
ALTER TABLE ccm.offer ALTER COLUMN version TYPE bigint;
ALTER TABLE ccm.segment ALTER COLUMN version TYPE bigint;
ALTER TABLE ccm.recording ALTER COLUMN version TYPE bigint;
ALTER TABLE ccm.agent_state ALTER COLUMN version TYPE bigint;

CREATE INDEX offer_open ON ccm.offer (agent_id) WHERE ended_at IS NULL;

CREATE TABLE ccm.daemon (
    id            uuid PRIMARY KEY,
    host          text NOT NULL,
    pid           integer NOT NULL,
    version       text NOT NULL,
    started_at    timestamptz NOT NULL,
    seen_at       timestamptz NOT NULL,
    stopped_at    timestamptz,
    journal_facts bigint NOT NULL DEFAULT 0,
    journal_bytes bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE ccm.daemon IS 'Daemons that use this database, or did';
COMMENT ON COLUMN ccm.daemon.id IS 'Kept in the state directory: a daemon that starts again is the same one';
COMMENT ON COLUMN ccm.daemon.host IS 'Host that it runs on';
COMMENT ON COLUMN ccm.daemon.pid IS 'Its process';
COMMENT ON COLUMN ccm.daemon.version IS 'Version of ccmiddleware';
COMMENT ON COLUMN ccm.daemon.started_at IS 'When it started, by the database''s clock';
COMMENT ON COLUMN ccm.daemon.seen_at IS 'Last sign of life, by the database''s clock; about once a second';
COMMENT ON COLUMN ccm.daemon.stopped_at IS 'When it stopped in order; null while it runs, or if it was killed';
COMMENT ON COLUMN ccm.daemon.journal_facts IS 'Facts in its journal that the database lacks, at seen_at';
COMMENT ON COLUMN ccm.daemon.journal_bytes IS 'The same in bytes';

CREATE TABLE ccm.leadership (
    node_id   uuid PRIMARY KEY REFERENCES ccm.node,
    number    integer GENERATED ALWAYS AS IDENTITY,
    term      bigint NOT NULL DEFAULT 0,
    daemon_id uuid REFERENCES ccm.daemon,
    since     timestamptz,
    CONSTRAINT leadership_number_unique UNIQUE (number),
    CONSTRAINT leadership_term_not_negative CHECK (term >= 0)
);
COMMENT ON TABLE ccm.leadership IS 'Which daemon leads which node';
COMMENT ON COLUMN ccm.leadership.node_id IS 'The node';
COMMENT ON COLUMN ccm.leadership.number IS 'Second key of the node''s advisory locks';
COMMENT ON COLUMN ccm.leadership.term IS 'Raised by one each time that the lead passes; part of every version';
COMMENT ON COLUMN ccm.leadership.daemon_id IS 'Who won the present term; null once it gave up the lead in order';
COMMENT ON COLUMN ccm.leadership.since IS 'When the present term began';

-- What an earlier leader tells of interactions that a later one has taken over. The later one's story
-- stands; this is kept so that nobody has to guess what the other one saw.
CREATE TABLE ccm.late_fact (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    set_aside_at timestamptz NOT NULL DEFAULT now(),
    fact         jsonb NOT NULL
);
COMMENT ON TABLE ccm.late_fact IS 'Facts of an earlier leader about what a later one had taken over';
COMMENT ON COLUMN ccm.late_fact.id IS 'Order of arrival';
COMMENT ON COLUMN ccm.late_fact.set_aside_at IS 'When it arrived';
COMMENT ON COLUMN ccm.late_fact.fact IS 'The fact as the journal had it';

CREATE FUNCTION ccm.fence(nodes text[]) RETURNS TABLE (node text, term bigint)
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    -- Two statements: the second sees what was committed while the first one waited.
    PERFORM pg_advisory_xact_lock_shared(1667460355, l.number)
    FROM ccm.leadership AS l JOIN ccm.node AS n ON n.id = l.node_id
    WHERE n.name = ANY (nodes);
    RETURN QUERY
        SELECT n.name, l.term
        FROM ccm.leadership AS l JOIN ccm.node AS n ON n.id = l.node_id
        WHERE n.name = ANY (nodes);
END
$$;
COMMENT ON FUNCTION ccm.fence(text[]) IS
    'The present terms of nodes, none of which changes before the end of the transaction';
