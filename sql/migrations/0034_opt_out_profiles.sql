-- As before, but step by step: leads are found by their numbers, and never by reading all of them, whatever the planner
-- believes of the tables.
CREATE OR REPLACE FUNCTION ccm.numbers_of_party(asked text[], lead bigint) RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
#variable_conflict use_variable
DECLARE
    leads    bigint[] := ARRAY [lead];
    contacts uuid[];
    found    text[];
BEGIN
    IF lead IS NULL THEN
        SELECT array_agg(n.lead_id) INTO leads FROM ccm.lead_number AS n WHERE n.number = ANY (asked);
    END IF;
    SELECT array_agg(p.contact_id) INTO contacts
    FROM ccm.contact_address AS p WHERE p.kind = 'phone' AND p.address = ANY (asked);
    SELECT coalesce(array_agg(DISTINCT f.number), '{}') INTO found FROM (
        SELECT unnest(asked) AS number
        UNION ALL
        SELECT n.number FROM ccm.lead_number AS n WHERE n.lead_id = ANY (leads)
        UNION ALL
        SELECT p.address FROM ccm.contact_address AS p WHERE p.contact_id = ANY (contacts) AND p.kind = 'phone'
    ) AS f
    WHERE f.number ~ '^\+[1-9][0-9]{3,14}$';
    RETURN found;
END
$$;

CREATE OR REPLACE FUNCTION ccm.note_opt_out(
    key text, channel text, asked text, known text[], lead bigint, interaction uuid, received timestamptz, by text,
    note text, whole_party boolean
) RETURNS bigint
LANGUAGE plpgsql
AS $$
#variable_conflict use_variable
DECLARE
    meant text[] := CASE WHEN whole_party THEN ccm.numbers_of_party(known, lead) ELSE known END;
    leads bigint[];
    days  smallint;
    made  bigint;
BEGIN
    SELECT array_append(array_agg(n.lead_id), lead) INTO leads FROM ccm.lead_number AS n WHERE n.number = ANY (meant);
    -- The strictest profile of the campaigns that have such a lead; else of all campaigns; else that of the United States.
    SELECT min(c.honour_days) INTO days
    FROM ccm.campaign AS c
    WHERE c.id IN (SELECT l.campaign_id FROM ccm.lead AS l WHERE l.id = ANY (leads));
    IF days IS NULL THEN
        SELECT coalesce(min(c.honour_days), 10) INTO days FROM ccm.campaign AS c;
    END IF;
    INSERT INTO ccm.opt_out AS o (key, channel, asked, numbers, lead_id, interaction_id, received_at, deadline_on, honour_days,
        noted_by, note)
    VALUES (key, channel, asked, meant, lead, interaction, received,
        ccm.business_days_after((received AT TIME ZONE 'UTC')::date, days), days, by, note)
    ON CONFLICT ON CONSTRAINT opt_out_key_unique DO NOTHING
    RETURNING o.id INTO made;
    RETURN made;
END
$$;
