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
    nullif(r.asked, '') AS unsure,
    r.compression,
    r.original_bytes,
    r.original_sha256,
    CASE
        WHEN r.state <> 'finished' THEN NULL
        WHEN r.object IS NULL THEN 'directory'
        WHEN r.local THEN 'both'
        ELSE 'bucket'
    END AS store,
    r.object,
    r.stored_at,
    r.deleted_at,
    r.deleted_why,
    h.held_at,
    h.held_by,
    h.reason AS held_why
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
LEFT JOIN LATERAL (
    SELECT o.held_at, o.held_by, o.reason
    FROM ccm.recording_hold o
    WHERE o.interaction_id = r.interaction_id AND o.released_at IS NULL
    LIMIT 1
) h ON true
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
    'expected (asked for), recording, finished, missing (should exist and does not), failed (Asterisk refused), deleted (its time was over)';
COMMENT ON COLUMN report.recording.path IS 'File as stored, relative to the node''s recording directory; also the end of the object''s name in a bucket';
COMMENT ON COLUMN report.recording.started_at IS 'When recording was asked for; on demand, when the first part began';
COMMENT ON COLUMN report.recording.ended_at IS 'When the talk ended, or the recording if it was stopped by hand; null while the talk lasts';
COMMENT ON COLUMN report.recording.seconds IS 'Length of the audio in seconds; null until the file is finished';
COMMENT ON COLUMN report.recording.segment_seconds IS
    'Segment''s ended - answered, in seconds: what the length of the audio should be near to, unless it was recorded on demand; null while it lasts';
COMMENT ON COLUMN report.recording.bytes IS 'Size of the file as stored, in bytes; null until it is finished';
COMMENT ON COLUMN report.recording.sha256 IS 'SHA-256 of the file as stored, hexadecimal; null until it is finished';
COMMENT ON COLUMN report.recording.error IS 'What went wrong, in words, also with a finished recording that was cut off; empty otherwise';
COMMENT ON COLUMN report.recording.channels IS 'mono, or stereo: the customer left, the agent right';
COMMENT ON COLUMN report.recording.paused_seconds IS
    'How long it was paused, in seconds, up to now if it is: so much of the audio is silence on purpose';
COMMENT ON COLUMN report.recording.paused_since IS 'Since when it is paused now; null when it is not';
COMMENT ON COLUMN report.recording.unsure IS
    'pause, resume, start or stop that Asterisk was asked for and never answered, so that nobody knows; null otherwise';
COMMENT ON COLUMN report.recording.compression IS 'none, flac (nothing is lost) or opus: what was made of Asterisk''s file';
COMMENT ON COLUMN report.recording.original_bytes IS 'Size in bytes of the file that Asterisk wrote; null unless it was compressed';
COMMENT ON COLUMN report.recording.original_sha256 IS 'SHA-256 of the file that Asterisk wrote; null unless it was compressed';
COMMENT ON COLUMN report.recording.store IS
    'Where a finished recording is: directory (the node''s recording directory), bucket, or both; null for all others';
COMMENT ON COLUMN report.recording.object IS 'Address in the bucket, s3://BUCKET/KEY; null when it is in none';
COMMENT ON COLUMN report.recording.stored_at IS 'When it had been brought into the bucket and read back; null when it was not';
COMMENT ON COLUMN report.recording.deleted_at IS 'When its time was over and it was given up; null while it is kept';
COMMENT ON COLUMN report.recording.deleted_why IS 'Why it was deleted, in words; null while it is kept';
COMMENT ON COLUMN report.recording.held_at IS 'When its interaction was put on hold; null unless it is';
COMMENT ON COLUMN report.recording.held_by IS 'Who put it on hold; null unless it is';
COMMENT ON COLUMN report.recording.held_why IS 'Why it is on hold; null unless it is';
