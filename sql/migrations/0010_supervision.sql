-- Supervisors who listened to talks of agents, whispered to them or joined them.
--
-- There are few of these, so the table is not partitioned.

CREATE TABLE ccm.supervision (
    interaction_id uuid NOT NULL,
    uniqueid       text NOT NULL,
    started_at     timestamptz NOT NULL,
    version        bigint NOT NULL,
    segment        smallint NOT NULL,
    agent_id       uuid NOT NULL REFERENCES ccm.agent,
    supervisor     text NOT NULL,
    channel        text NOT NULL,
    mode           text,
    keys           boolean NOT NULL,
    asked_by       text NOT NULL,
    ended_at       timestamptz,
    inferred       boolean NOT NULL,
    PRIMARY KEY (interaction_id, uniqueid, started_at),
    CONSTRAINT supervision_mode_known CHECK (mode IN ('monitor', 'whisper', 'barge')),
    CONSTRAINT supervision_ends_after_start CHECK (ended_at >= started_at)
);
COMMENT ON TABLE ccm.supervision IS 'One supervisor''s phone that heard one segment';
COMMENT ON COLUMN ccm.supervision.interaction_id IS 'The interaction';
COMMENT ON COLUMN ccm.supervision.uniqueid IS 'Unique id of the supervisor''s channel; ours begin with ccm-';
COMMENT ON COLUMN ccm.supervision.started_at IS 'When it began to hear the segment';
COMMENT ON COLUMN ccm.supervision.version IS 'Grows with each change';
COMMENT ON COLUMN ccm.supervision.segment IS 'Ordinal of the segment';
COMMENT ON COLUMN ccm.supervision.agent_id IS 'The agent';
COMMENT ON COLUMN ccm.supervision.supervisor IS 'Interface of the supervisor''s phone';
COMMENT ON COLUMN ccm.supervision.channel IS 'Supervisor''s channel name in Asterisk';
COMMENT ON COLUMN ccm.supervision.mode IS
    'monitor (hears both), whisper (and the agent hears the supervisor), barge (both do): as it began; null when the PBX began it';
COMMENT ON COLUMN ccm.supervision.keys IS 'True when the supervisor could change the mode by keypad';
COMMENT ON COLUMN ccm.supervision.asked_by IS
    'User of the operating system who ran ccm, letters and digits of it; empty when the PBX began it';
COMMENT ON COLUMN ccm.supervision.ended_at IS 'When it ended; null while it lasts';
COMMENT ON COLUMN ccm.supervision.inferred IS 'True when begin or end was concluded and not seen';
CREATE INDEX supervision_open ON ccm.supervision (agent_id) WHERE ended_at IS NULL;
CREATE INDEX supervision_started ON ccm.supervision (started_at);
