-- What happens to a recording during the talk: pauses, parts that are begun and ended by hand, stereo.
--
-- A pause is what Asterisk was told and said yes to: the file goes on, with silence in it. "asked" is
-- what Asterisk was asked for and has not answered: until it is settled nobody knows.

ALTER TABLE ccm.recording
    ADD COLUMN channels       text NOT NULL DEFAULT 'mono',
    ADD COLUMN monitor        text NOT NULL DEFAULT '',
    ADD COLUMN asked          text NOT NULL DEFAULT '',
    ADD COLUMN paused_at      timestamptz,
    ADD COLUMN paused_seconds double precision NOT NULL DEFAULT 0,
    ADD COLUMN stopped_at     timestamptz,
    ADD CONSTRAINT recording_channels_known CHECK (channels IN ('mono', 'stereo')),
    ADD CONSTRAINT recording_asked_known CHECK (asked IN ('', 'pause', 'resume', 'start', 'stop')),
    ADD CONSTRAINT recording_pause_not_negative CHECK (paused_seconds >= 0);

COMMENT ON COLUMN ccm.recording.channels IS 'mono, or stereo: the customer left, the agent right';
COMMENT ON COLUMN ccm.recording.monitor IS 'MixMonitorID that Asterisk gave the recording; empty when it is not known';
COMMENT ON COLUMN ccm.recording.asked IS
    'pause, resume, start or stop: what Asterisk was asked to do with it and has not answered; empty when all is known';
COMMENT ON COLUMN ccm.recording.paused_at IS 'Since when it is paused; null while it is not';
COMMENT ON COLUMN ccm.recording.paused_seconds IS 'Sum of the pauses that are over, in seconds';
COMMENT ON COLUMN ccm.recording.stopped_at IS
    'When it was stopped by hand during the talk; null while it was not, or was started again';
COMMENT ON COLUMN ccm.recording.started_at IS 'When recording was asked for; on demand, when the first part began';
COMMENT ON COLUMN ccm.recording.ended_at IS 'When the talk ended, or the recording if it was stopped before';
