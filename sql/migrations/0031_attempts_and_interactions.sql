-- Which interaction came of which attempt of a campaign.
--
-- The channel by which an attempt is dialled has the attempt's id in its unique id (ccmiddleware/ids.py, dial_id), and an
-- interaction keeps that as its linkedid. So nobody has to write down the link, and it is there whichever of the two rows
-- comes first, and whoever saw the call: a daemon, its successor, or queue_log alone.

CREATE FUNCTION ccm.attempt_of(linkedid text) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
    SELECT CASE WHEN linkedid ~ '^ccmat-[0-9a-f]{32}-[0-9]{9,11}\.[0-9]{1,6}$'
        THEN substr(linkedid, 7, 32)::uuid END
$$;
COMMENT ON FUNCTION ccm.attempt_of(text) IS
    'The attempt of a campaign that the channel with that unique id was dialled for; null for any other channel';

CREATE INDEX interaction_attempt ON ccm.interaction (ccm.attempt_of(linkedid))
    WHERE ccm.attempt_of(linkedid) IS NOT NULL;

CREATE OR REPLACE FUNCTION ccm.end_attempt(
    attempt uuid, at timestamptz, result text, facts jsonb, next jsonb
) RETURNS boolean
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    ended   ccm.attempt;
    numbers text[];
BEGIN
    UPDATE ccm.attempt AS a
    SET ended_at = greatest(at, a.claimed_at),
        result = end_attempt.result,
        dialed_at = coalesce(a.dialed_at, (facts ->> 'dialed_at')::timestamptz),
        answered_at = coalesce(a.answered_at, (facts ->> 'answered_at')::timestamptz),
        greeting_end_at = (facts ->> 'greeting_end_at')::timestamptz,
        connected_at = (facts ->> 'connected_at')::timestamptz,
        cause = (facts ->> 'cause')::smallint,
        live = coalesce((facts ->> 'live')::boolean, false),
        dropped = coalesce((facts ->> 'dropped')::boolean, false),
        opted_out = coalesce((facts ->> 'opted_out')::boolean, false),
        interface = coalesce(facts ->> 'interface', ''),
        inferred = coalesce((facts ->> 'inferred')::boolean, false),
        note = coalesce(facts ->> 'note', '')
    WHERE a.id = attempt AND a.ended_at IS NULL
    RETURNING a.* INTO ended;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    SELECT array_agg(n.number) INTO numbers FROM ccm.lead_number AS n WHERE n.lead_id = ended.lead_id;
    IF ended.dropped OR ended.result = 'machine' THEN
        PERFORM FROM ccm.called_number AS c WHERE c.number = ANY (numbers) ORDER BY c.number FOR UPDATE;
        UPDATE ccm.called_number AS c
        SET last_dropped_at = CASE WHEN ended.dropped THEN greatest(c.last_dropped_at, at) ELSE c.last_dropped_at END,
            last_machine_at = CASE WHEN ended.result = 'machine' THEN greatest(c.last_machine_at, at)
                ELSE c.last_machine_at END
        WHERE c.number = ANY (numbers);
    END IF;
    UPDATE ccm.lead AS l
    SET state = CASE WHEN next ->> 'at' IS NULL THEN 'done' ELSE 'waiting' END,
        last_result = end_attempt.result,
        next_at = coalesce((next ->> 'at')::timestamptz, l.next_at),
        next_number = coalesce(n.ordinal, l.next_number),
        place_id = coalesce(n.place_id, l.place_id)
    FROM (SELECT ended.lead_id) AS this
    LEFT JOIN ccm.lead_number AS n ON n.lead_id = this.lead_id AND n.number = next ->> 'number'
    WHERE l.id = this.lead_id AND l.state = 'claimed';
    RETURN true;
END
$$;

ALTER TABLE ccm.attempt DROP COLUMN interaction_id;
