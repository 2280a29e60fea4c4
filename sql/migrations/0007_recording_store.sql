-- Recordings after the talk: compressed, moved into a bucket, deleted when their time is over, held.
--
-- The leader of a node works through what is not settled (ccmiddleware/recordings/keeper.py). Each of its
-- steps is one statement here that holds only for the version that the leader saw and in its own term, and
-- comes before anything is removed from a disk. So whatever kills it, the row says what is left to be done.
-- Telling a fact of a recording makes the row unsettled again; the columns of this file are none of a fact.

ALTER TABLE ccm.recording
    ADD COLUMN compression     text NOT NULL DEFAULT 'none',
    ADD COLUMN original_bytes  bigint,
    ADD COLUMN original_sha256 text,
    ADD COLUMN local           boolean NOT NULL DEFAULT true,
    ADD COLUMN object          text,
    ADD COLUMN stored_at       timestamptz,
    ADD COLUMN deleted_at      timestamptz,
    ADD COLUMN deleted_why     text,
    ADD COLUMN settled         boolean NOT NULL DEFAULT true,
    DROP CONSTRAINT recording_state_known,
    ADD CONSTRAINT recording_state_known CHECK (state IN
        ('expected', 'recording', 'finished', 'missing', 'failed', 'deleted')),
    ADD CONSTRAINT recording_compression_known CHECK (compression IN ('none', 'flac', 'opus')),
    ADD CONSTRAINT recording_compressed_has_original CHECK (compression = 'none'
        OR (original_bytes IS NOT NULL AND original_sha256 ~ '^[0-9a-f]{64}$')),
    ADD CONSTRAINT recording_finished_is_somewhere CHECK (state <> 'finished' OR local OR object IS NOT NULL),
    ADD CONSTRAINT recording_deleted_has_why CHECK (
        (state = 'deleted') = (deleted_at IS NOT NULL) AND (state = 'deleted') = (deleted_why IS NOT NULL));
COMMENT ON COLUMN ccm.recording.state IS
    'expected (asked for), recording, finished, missing (should exist and does not), failed (Asterisk refused), deleted (its time was over)';
COMMENT ON COLUMN ccm.recording.path IS 'File, relative to the node''s recording directory; with the name that it has as stored';
COMMENT ON COLUMN ccm.recording.bytes IS 'Size in bytes of the file as stored';
COMMENT ON COLUMN ccm.recording.sha256 IS 'SHA-256 of the file as stored, hexadecimal';
COMMENT ON COLUMN ccm.recording.compression IS 'none, flac or opus: what was made of Asterisk''s file';
COMMENT ON COLUMN ccm.recording.original_bytes IS 'Size of Asterisk''s file in bytes; null while it is the one that is stored';
COMMENT ON COLUMN ccm.recording.original_sha256 IS 'SHA-256 of Asterisk''s file; null while it is the one that is stored';
COMMENT ON COLUMN ccm.recording.local IS 'Whether the file is in the recording directory';
COMMENT ON COLUMN ccm.recording.object IS 'Where it is in a bucket, as s3://BUCKET/KEY; null when it is in none';
COMMENT ON COLUMN ccm.recording.stored_at IS 'When it had been read back from the bucket and was the same';
COMMENT ON COLUMN ccm.recording.deleted_at IS 'When it was given up; the file is removed soon after';
COMMENT ON COLUMN ccm.recording.deleted_why IS 'Why it was given up, in words';
COMMENT ON COLUMN ccm.recording.settled IS 'False while the leader still has something to do with the file';

CREATE INDEX recording_unsettled ON ccm.recording (node_id, interaction_id, segment) WHERE NOT settled;
CREATE INDEX recording_kept ON ccm.recording (started_at) WHERE state IN ('finished', 'missing');

CREATE TABLE ccm.recording_hold (
    id             uuid PRIMARY KEY DEFAULT ccm.uuid7(),
    interaction_id uuid NOT NULL,
    held_by        text NOT NULL,
    held_at        timestamptz NOT NULL DEFAULT now(),
    reason         text NOT NULL,
    released_by    text,
    released_at    timestamptz,
    CONSTRAINT recording_hold_has_reason CHECK (reason <> ''),
    CONSTRAINT recording_hold_released_by_somebody CHECK ((released_by IS NULL) = (released_at IS NULL))
);
COMMENT ON TABLE ccm.recording_hold IS 'Legal holds, present and past: recordings of an interaction that must not be deleted';
COMMENT ON COLUMN ccm.recording_hold.id IS 'UUIDv7';
COMMENT ON COLUMN ccm.recording_hold.interaction_id IS 'The interaction, all of its recordings';
COMMENT ON COLUMN ccm.recording_hold.held_by IS 'User of the operating system who put it on hold';
COMMENT ON COLUMN ccm.recording_hold.held_at IS 'When';
COMMENT ON COLUMN ccm.recording_hold.reason IS 'Why';
COMMENT ON COLUMN ccm.recording_hold.released_by IS 'Who ended it; null while it holds';
COMMENT ON COLUMN ccm.recording_hold.released_at IS 'When it ended; null while it holds';
CREATE UNIQUE INDEX recording_hold_one ON ccm.recording_hold (interaction_id) WHERE released_at IS NULL;

CREATE FUNCTION ccm.hold_recordings(interaction uuid, who text, why text) RETURNS SETOF ccm.recording_hold
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    -- Else a recording could be given up between the look for holds and the end of this transaction.
    PERFORM pg_advisory_xact_lock(1667460356, 0);
    RETURN QUERY
        INSERT INTO ccm.recording_hold AS h (interaction_id, held_by, reason) VALUES (interaction, who, why)
        ON CONFLICT (interaction_id) WHERE released_at IS NULL DO NOTHING
        RETURNING h.*;
END
$$;
COMMENT ON FUNCTION ccm.hold_recordings(uuid, text, text) IS
    'Puts the recordings of an interaction on hold; no row when they are already';

CREATE FUNCTION ccm.expired_recordings(
    nodes text[], queues text[], after_days integer[], general integer, at timestamptz)
RETURNS TABLE (interaction_id uuid, segment smallint, node text, queue text, state text,
               ended_at timestamptz, keep_days integer, bytes bigint, held boolean)
LANGUAGE sql STABLE
AS $$
    SELECT r.interaction_id, r.segment, n.name, q.name, r.state, coalesce(r.ended_at, r.started_at), k.days,
        r.bytes, h.interaction_id IS NOT NULL
    FROM ccm.recording AS r
    JOIN ccm.node AS n ON n.id = r.node_id
    -- Without its segment nobody knows the queue, and so for how long it is to be kept: it stays.
    JOIN ccm.segment AS s ON s.interaction_id = r.interaction_id AND s.ordinal = r.segment
    LEFT JOIN ccm.queue_visit AS v ON v.interaction_id = s.interaction_id AND v.ordinal = s.visit
    LEFT JOIN ccm.queue AS q ON q.id = v.queue_id
    LEFT JOIN ccm.recording_hold AS h ON h.interaction_id = r.interaction_id AND h.released_at IS NULL
    CROSS JOIN LATERAL (
        SELECT CASE WHEN q.name = ANY (queues) THEN after_days[array_position(queues, q.name)] ELSE general END AS days
    ) AS k
    WHERE n.name = ANY (nodes) AND r.state IN ('finished', 'missing')
        AND r.started_at < at - interval '24 hours' * least(general, (SELECT min(d) FROM unnest(after_days) AS d))
        AND (s.visit = 0 OR q.id IS NOT NULL)
        AND coalesce(r.ended_at, r.started_at) < at - interval '24 hours' * k.days
$$;
COMMENT ON FUNCTION ccm.expired_recordings(text[], text[], integer[], integer, timestamptz) IS
    'Recordings whose time is over: of queues that are named, after their days (null: never), of all else after "general"';

CREATE FUNCTION ccm.delete_expired_recordings(
    of_node text, in_term bigint, queues text[], after_days integer[], general integer, at timestamptz,
    most integer)
RETURNS TABLE (interaction_id uuid, segment smallint, queue text, keep_days integer)
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
BEGIN
    PERFORM pg_advisory_xact_lock(1667460356, 0);
    -- A statement of its own, which sees the holds that were put while this one waited.
    RETURN QUERY
        WITH due AS MATERIALIZED (
            SELECT e.* FROM ccm.expired_recordings(ARRAY[of_node], queues, after_days, general, at) AS e
            WHERE NOT e.held
            LIMIT most
        )
        UPDATE ccm.recording AS r
        SET state = 'deleted', deleted_at = at, settled = false,
            deleted_why = 'kept for ' || due.keep_days || ' days'
                || coalesce(' (queue ' || due.queue || ')', ''),
            version = in_term * 1000000000 + r.version % 1000000000 + 1
        FROM due, ccm.node AS n, ccm.leadership AS l
        WHERE r.interaction_id = due.interaction_id AND r.segment = due.segment
            AND n.id = r.node_id AND l.node_id = n.id AND l.term = in_term
        RETURNING r.interaction_id, r.segment, due.queue, due.keep_days;
END
$$;
COMMENT ON FUNCTION ccm.delete_expired_recordings(text, bigint, text[], integer[], integer, timestamptz, integer) IS
    'Gives up so many recordings whose time is over and that nobody holds, for the leader of that term';
