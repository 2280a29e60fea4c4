-- Commands: what people want Asterisk to do, on their way from `ccm` to the daemon that leads the node.
--
-- waiting → taken → done | refused | unknown, or waiting → expired. The leader marks a command as taken
-- before it acts, so that no crash makes anybody act twice; what was taken and never answered becomes
-- unknown. All times are by the database's clock.

CREATE TABLE ccm.command (
    id         uuid PRIMARY KEY DEFAULT ccm.uuid7(),
    node_id    uuid NOT NULL REFERENCES ccm.node,
    kind       text NOT NULL,
    arguments  jsonb NOT NULL,
    issued_by  text NOT NULL,
    issued_at  timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL DEFAULT now() + interval '30 seconds',
    state      text NOT NULL DEFAULT 'waiting',
    term       bigint,
    taken_at   timestamptz,
    done_at    timestamptz,
    result     text NOT NULL DEFAULT '',
    CONSTRAINT command_state_known CHECK (state IN
        ('waiting', 'taken', 'done', 'refused', 'expired', 'unknown')),
    CONSTRAINT command_taken_has_term CHECK ((taken_at IS NULL) = (term IS NULL)),
    CONSTRAINT command_taken_before_the_end CHECK (taken_at IS NOT NULL
        OR state IN ('waiting', 'expired')),
    CONSTRAINT command_over_has_time CHECK ((done_at IS NULL) = (state IN ('waiting', 'taken')))
);
COMMENT ON TABLE ccm.command IS 'What people asked to be done in Asterisk, and what came of it';
COMMENT ON COLUMN ccm.command.id IS 'UUIDv7: sorts by time of issue';
COMMENT ON COLUMN ccm.command.node_id IS 'The Asterisk in which it is to be done';
COMMENT ON COLUMN ccm.command.kind IS 'What is to be done, such as agent_pause';
COMMENT ON COLUMN ccm.command.arguments IS 'With what, by kind (ccmiddleware/agents/commands.py)';
COMMENT ON COLUMN ccm.command.issued_by IS 'User of the operating system who asked for it';
COMMENT ON COLUMN ccm.command.issued_at IS 'When it was asked for';
COMMENT ON COLUMN ccm.command.expires_at IS 'Not to be begun after this';
COMMENT ON COLUMN ccm.command.state IS
    'waiting, taken (being carried out), done, refused, expired (never begun), unknown (begun, and no answer came)';
COMMENT ON COLUMN ccm.command.term IS 'Term of the leader that took it';
COMMENT ON COLUMN ccm.command.taken_at IS 'When the leader took it';
COMMENT ON COLUMN ccm.command.done_at IS 'When its end was known';
COMMENT ON COLUMN ccm.command.result IS 'What Asterisk said, one line for each action';
CREATE INDEX command_open ON ccm.command (node_id, id) WHERE state IN ('waiting', 'taken');
