-- Recordings on the node $1 that were set aside as late, of talks that are over and have none; as facts of those talks
WITH late AS (
    SELECT DISTINCT ON (f.fact ->> 'path')
        f.fact, s.interaction_id, s.ordinal, s.ended_at, t.apart
    FROM ccm.late_fact AS f
    JOIN ccm.segment AS s ON s.interaction_id = (f.fact ->> 'interaction_id')::uuid
    CROSS JOIN LATERAL (SELECT abs(extract(
        epoch FROM s.answered_at - (f.fact ->> 'started_at')::timestamptz)) AS apart) AS t
    WHERE f.fact ->> 't' = 'recording' AND f.fact ->> 'node' = $1::text
        -- Asterisk tells in whole seconds when a talk began that nobody else saw.
        AND t.apart <= 3 AND s.ended_at IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM ccm.recording AS r
            WHERE r.interaction_id = s.interaction_id
                AND (r.segment = s.ordinal OR r.path = f.fact ->> 'path'))
    ORDER BY f.fact ->> 'path', (f.fact ->> 'version')::bigint DESC, t.apart)
SELECT DISTINCT ON (late.interaction_id, late.ordinal)
    (late.fact || jsonb_build_object('segment', late.ordinal, 'ended_at', late.ended_at))::text AS fact
FROM late
ORDER BY late.interaction_id, late.ordinal, late.apart
