-- Asterisk's queue_log as a second witness, and when the manager link was up.
--
-- queue_log_row holds the rows of the file as they are, once each: the key is computed from the row
-- itself. It grows for ever and is partitioned by time, one partition for each month.

CREATE TABLE ccm.queue_log_row (
    node_id  uuid NOT NULL REFERENCES ccm.node,
    at       timestamptz NOT NULL,
    key      uuid NOT NULL,
    sequence bigint NOT NULL,
    call     text NOT NULL,
    queue    text NOT NULL,
    agent    text NOT NULL,
    event    text NOT NULL,
    data     text[] NOT NULL,
    PRIMARY KEY (node_id, at, key)
) PARTITION BY RANGE (at);
COMMENT ON TABLE ccm.queue_log_row IS 'Rows of Asterisk''s queue_log; never changed';
COMMENT ON COLUMN ccm.queue_log_row.node_id IS 'The Asterisk that wrote it';
COMMENT ON COLUMN ccm.queue_log_row.at IS 'When, in whole seconds';
COMMENT ON COLUMN ccm.queue_log_row.key IS 'Hash of the row; tells apart equal rows of one second by counting them';
COMMENT ON COLUMN ccm.queue_log_row.sequence IS 'Grows in the order in which rows were read, so in that of the file';
COMMENT ON COLUMN ccm.queue_log_row.call IS 'Unique id of the caller''s channel; NONE when it is about no call';
COMMENT ON COLUMN ccm.queue_log_row.queue IS 'Name of the queue; NONE when it is about none';
COMMENT ON COLUMN ccm.queue_log_row.agent IS 'Name of the member; NONE when it is about none';
COMMENT ON COLUMN ccm.queue_log_row.event IS 'What happened, such as ENTERQUEUE, CONNECT, ABANDON';
COMMENT ON COLUMN ccm.queue_log_row.data IS 'The fields after it, which each event has in its own order';
CREATE INDEX queue_log_row_call ON ccm.queue_log_row (node_id, call, sequence);
CREATE INDEX queue_log_row_sequence ON ccm.queue_log_row (node_id, sequence);
CREATE INDEX queue_log_row_entered ON ccm.queue_log_row (at, node_id) WHERE event = 'ENTERQUEUE';
CREATE INDEX queue_log_row_restart ON ccm.queue_log_row (node_id, at) WHERE event = 'QUEUESTART';

CREATE TRIGGER queue_log_row_append_only
    BEFORE UPDATE OR DELETE ON ccm.queue_log_row
    FOR EACH ROW EXECUTE FUNCTION ccm.refuse_change();

CREATE TABLE ccm.queue_log_position (
    node_id     uuid PRIMARY KEY REFERENCES ccm.node,
    version     bigint NOT NULL,
    inode       bigint NOT NULL,
    "offset"    bigint NOT NULL,
    fingerprint text NOT NULL,
    row_at      timestamptz NOT NULL,
    checked     bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE ccm.queue_log_position IS 'How far each node''s queue_log has been read';
COMMENT ON COLUMN ccm.queue_log_position.node_id IS 'The node';
COMMENT ON COLUMN ccm.queue_log_position.version IS 'Bytes read in all files so far; an older one never replaces a newer one';
COMMENT ON COLUMN ccm.queue_log_position.inode IS 'Number of the file on its file system';
COMMENT ON COLUMN ccm.queue_log_position."offset" IS 'Bytes of that file that were read';
COMMENT ON COLUMN ccm.queue_log_position.fingerprint IS 'Hash of the last bytes before the offset';
COMMENT ON COLUMN ccm.queue_log_position.row_at IS 'Time of the last row';
COMMENT ON COLUMN ccm.queue_log_position.checked IS
    'Calls whose rows have no higher sequence than this were compared with what we have';

CREATE TABLE ccm.link_interval (
    node_id    uuid NOT NULL REFERENCES ccm.node,
    started_at timestamptz NOT NULL,
    seen_until timestamptz NOT NULL,
    PRIMARY KEY (node_id, started_at),
    CONSTRAINT link_interval_in_order CHECK (seen_until >= started_at)
);
COMMENT ON TABLE ccm.link_interval IS 'When the manager link of a node was up; extended while it is';
COMMENT ON COLUMN ccm.link_interval.node_id IS 'The node';
COMMENT ON COLUMN ccm.link_interval.started_at IS 'When the link came up';
COMMENT ON COLUMN ccm.link_interval.seen_until IS 'Until when it was up for certain';

-- queue_log knows a call by the unique id of its channel.
CREATE INDEX interaction_uniqueid ON ccm.interaction (uniqueid);
-- Places in a queue that were handed over, which queue_log has under two calls.
CREATE INDEX queue_visit_moved ON ccm.queue_visit (queue_id, left_at) WHERE outcome = 'moved';

-- The same as before, with queue_log_row. Runs with the owner's rights, since the daemon's role owns nothing.
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
        FOREACH parent IN ARRAY ARRAY['interaction', 'interaction_event', 'queue_visit', 'offer',
                                      'segment', 'recording', 'agent_state',
                                      'queue_log_row'] LOOP
            name := parent || '_' || to_char(month, 'YYYY_MM');
            by_time := parent IN ('agent_state', 'queue_log_row');
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

CREATE TABLE ccm.queue_log_row_default PARTITION OF ccm.queue_log_row DEFAULT;
SELECT ccm.ensure_partitions(now() - interval '1 month', 4);
