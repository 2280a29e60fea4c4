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

ALTER TABLE ccm.attempt DROP COLUMN interaction_id;
