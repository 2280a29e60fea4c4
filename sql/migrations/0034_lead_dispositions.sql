-- What agents say after the call of a campaign, as far as it settles what becomes of the lead.

CREATE TABLE ccm.lead_disposition (
    disposition_id uuid PRIMARY KEY REFERENCES ccm.disposition,
    attempt_id     uuid NOT NULL,
    lead_id        bigint NOT NULL REFERENCES ccm.lead,
    effect         text NOT NULL,
    next_at        timestamptz,
    applied_at     timestamptz NOT NULL,
    CONSTRAINT lead_disposition_effect_known CHECK (effect IN
        ('done', 'success', 'dnc', 'callback', 'machine', 'again', 'next_number', 'none'))
);
COMMENT ON TABLE ccm.lead_disposition IS 'Codes that agents gave after calls of campaigns, and what came of each for its lead; one row once that is done';
COMMENT ON COLUMN ccm.lead_disposition.disposition_id IS 'The code that was given';
COMMENT ON COLUMN ccm.lead_disposition.attempt_id IS 'The attempt that it is about';
COMMENT ON COLUMN ccm.lead_disposition.lead_id IS 'Its lead';
COMMENT ON COLUMN ccm.lead_disposition.effect IS
    'What the campaign''s setting disposition.CODE meant then: done, success, dnc, callback, machine, again, next_number; none: nothing is set';
COMMENT ON COLUMN ccm.lead_disposition.next_at IS 'When the lead is called again because of it; null when it is not';
COMMENT ON COLUMN ccm.lead_disposition.applied_at IS 'When that was settled';
CREATE INDEX lead_disposition_attempt ON ccm.lead_disposition (attempt_id);
CREATE INDEX disposition_given_at ON ccm.disposition (given_at);

CREATE FUNCTION ccm.apply_disposition(
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
COMMENT ON FUNCTION ccm.apply_disposition(uuid, uuid, bigint, text, timestamptz, timestamptz, text) IS
    'Settles once what a code means for its lead: done, or the time and number of the next call. False when that was done before';
