-- What detection of machines decided, how soon, and whether it was right: a sample of those that it takes for machines goes
-- to agents, whose codes say what it was.

ALTER TABLE ccm.attempt
    ADD COLUMN detected     text,
    ADD COLUMN detection_ms integer,
    ADD COLUMN sampled      boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT attempt_detected_known CHECK (detected IN ('human', 'machine')),
    ADD CONSTRAINT attempt_sampled_was_detected CHECK (NOT sampled OR detected = 'machine');
COMMENT ON COLUMN ccm.attempt.detected IS 'What detection took the party for: human, machine; null where nothing was detected';
COMMENT ON COLUMN ccm.attempt.detection_ms IS 'Milliseconds from the answer until detection decided';
COMMENT ON COLUMN ccm.attempt.sampled IS 'Whether it went to an agent though it was taken for a machine';
CREATE INDEX attempt_sampled ON ccm.attempt (campaign_id, claimed_at) WHERE sampled;

ALTER TABLE ccm.lead_disposition DROP CONSTRAINT lead_disposition_effect_known;
ALTER TABLE ccm.lead_disposition ADD CONSTRAINT lead_disposition_effect_known
    CHECK (effect IN ('done', 'success', 'dnc', 'callback', 'machine', 'again', 'next_number', 'none'));
COMMENT ON COLUMN ccm.lead_disposition.effect IS
    'What the campaign''s setting disposition.CODE meant then: done, success, dnc, callback, machine, again, next_number; none: nothing is set';

-- As in 0031, with what detection decided.
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
        detected = facts ->> 'detected',
        detection_ms = (facts ->> 'detection_ms')::integer,
        sampled = coalesce((facts ->> 'sampled')::boolean, false),
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

-- As in 0035, with one more meaning of a code.
CREATE OR REPLACE FUNCTION ccm.apply_disposition(
    disposition uuid, attempt uuid, lead bigint, effect text, at timestamptz, next_at timestamptz, number text
) RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO ccm.lead_disposition (disposition_id, attempt_id, lead_id, effect, next_at, applied_at)
    VALUES (disposition, attempt, lead, apply_disposition.effect, apply_disposition.next_at, at)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- A lead that is being called, or to which a callback is promised, goes its way.
    UPDATE ccm.lead AS l
    SET state = CASE WHEN apply_disposition.next_at IS NULL THEN 'done' ELSE 'waiting' END,
        next_at = coalesce(apply_disposition.next_at, l.next_at),
        next_number = coalesce(n.ordinal, l.next_number),
        place_id = coalesce(n.place_id, l.place_id)
    FROM (SELECT apply_disposition.lead AS id) AS this
    LEFT JOIN ccm.lead_number AS n ON n.lead_id = this.id AND n.number = apply_disposition.number
    WHERE l.id = this.id AND l.state IN ('ready', 'waiting', 'done')
        AND apply_disposition.effect IN ('done', 'success', 'dnc', 'machine', 'again', 'next_number');
    RETURN true;
END
$$;
