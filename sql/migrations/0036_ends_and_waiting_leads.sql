-- The end of a call that was taken for over, and opened again, says nothing of a later call to the same lead that goes on.
-- And leads of one campaign that wait are found without those of all others: a campaign that is stopped may have
-- hundreds of thousands whose time is over.

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
    WHERE l.id = this.lead_id AND l.state = 'claimed'
        AND NOT EXISTS (SELECT FROM ccm.attempt AS o WHERE o.lead_id = l.id AND o.ended_at IS NULL);
    RETURN true;
END
$$;

DROP INDEX ccm.lead_waiting;
CREATE INDEX lead_waiting ON ccm.lead (campaign_id, next_at) WHERE state = 'waiting';
