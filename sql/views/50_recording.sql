-- report.recording: each recording with the queue and the agent of its segment.
--
-- LIMIT makes a look-up of each segment and visit; as joins they read the whole tables for one day.
CREATE OR REPLACE VIEW report.recording AS
SELECT
    r.interaction_id,
    r.segment,
    n.name AS node,
    q.name AS queue,
    coalesce(nullif(a.name, ''), a.interface) AS agent,
    r.state,
    r.path,
    r.started_at,
    r.ended_at,
    round(r.seconds::numeric, 3) AS seconds,
    report.seconds(s.answered_at, s.ended_at) AS segment_seconds,
    r.bytes,
    r.sha256,
    r.error,
    r.channels,
    round((r.paused_seconds + coalesce(report.seconds(r.paused_at, report.now()), 0))::numeric, 3) AS paused_seconds,
    r.paused_at AS paused_since,
    nullif(r.asked, '') AS unsure
FROM ccm.recording r
JOIN ccm.node n ON n.id = r.node_id
LEFT JOIN LATERAL (
    SELECT g.agent_id, g.visit, g.answered_at, g.ended_at
    FROM ccm.segment g
    WHERE g.interaction_id = r.interaction_id AND g.ordinal = r.segment
    LIMIT 1
) s ON true
LEFT JOIN LATERAL (
    SELECT k.queue_id
    FROM ccm.queue_visit k
    WHERE k.interaction_id = r.interaction_id AND k.ordinal = s.visit
    LIMIT 1
) v ON true
LEFT JOIN ccm.agent a ON a.id = s.agent_id
LEFT JOIN ccm.queue q ON q.id = v.queue_id;

COMMENT ON VIEW report.recording IS
    'One row for each segment that was to be recorded, also when there is no file: state says what became of it';
COMMENT ON COLUMN report.recording.interaction_id IS 'The interaction: report.interaction.id';
COMMENT ON COLUMN report.recording.segment IS 'Which segment of the interaction, from 1';
COMMENT ON COLUMN report.recording.node IS 'Name of the Asterisk whose recording directory holds the file';
COMMENT ON COLUMN report.recording.queue IS 'Queue from which the segment came; null when that is not known';
COMMENT ON COLUMN report.recording.agent IS 'Name of the agent; the interface where there is none; null when the segment is not known';
COMMENT ON COLUMN report.recording.state IS
    'expected (asked for), recording, finished, missing (should exist and does not), failed (Asterisk refused)';
COMMENT ON COLUMN report.recording.path IS 'File, relative to the node''s recording directory';
COMMENT ON COLUMN report.recording.started_at IS 'When recording was asked for; on demand, when the first part began';
COMMENT ON COLUMN report.recording.ended_at IS 'When the talk ended, or the recording if it was stopped by hand; null while the talk lasts';
COMMENT ON COLUMN report.recording.seconds IS 'Length of the audio in seconds; null until the file is finished';
COMMENT ON COLUMN report.recording.segment_seconds IS
    'Segment''s ended - answered, in seconds: what the length of the audio should be near to, unless it was recorded on demand; null while it lasts';
COMMENT ON COLUMN report.recording.bytes IS 'Size of the file in bytes; null until it is finished';
COMMENT ON COLUMN report.recording.sha256 IS 'SHA-256 of the file, hexadecimal; null until it is finished';
COMMENT ON COLUMN report.recording.error IS 'What went wrong, in words; empty otherwise';
COMMENT ON COLUMN report.recording.channels IS 'mono, or stereo: the customer left, the agent right';
COMMENT ON COLUMN report.recording.paused_seconds IS
    'How long it was paused, in seconds, up to now if it is: so much of the audio is silence on purpose';
COMMENT ON COLUMN report.recording.paused_since IS 'Since when it is paused now; null when it is not';
COMMENT ON COLUMN report.recording.unsure IS
    'pause, resume, start or stop that Asterisk was asked for and never answered, so that nobody knows; null otherwise';
