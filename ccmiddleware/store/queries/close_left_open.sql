-- Close what no leader of the node $1 follows: open interactions with a version below $2
WITH stale AS MATERIALIZED (
    SELECT i.id,
        greatest(
            i.started_at,
            (SELECT max(greatest(v.joined_at, v.answered_at, v.left_at))
             FROM ccm.queue_visit AS v WHERE v.interaction_id = i.id),
            (SELECT max(greatest(o.offered_at, o.ended_at))
             FROM ccm.offer AS o WHERE o.interaction_id = i.id),
            (SELECT max(greatest(s.answered_at, s.ended_at))
             FROM ccm.segment AS s WHERE s.interaction_id = i.id)
        ) AS last_at,
        CASE
            WHEN EXISTS (SELECT FROM ccm.segment AS s WHERE s.interaction_id = i.id) THEN 'answered'
            ELSE coalesce(
                (SELECT v.outcome FROM ccm.queue_visit AS v WHERE v.interaction_id = i.id
                 ORDER BY v.ordinal DESC LIMIT 1),
                'lost')
        END AS outcome
    FROM ccm.node AS n
    JOIN ccm.interaction AS i ON i.node_id = n.id
    WHERE n.name = $1::text AND i.ended_at IS NULL AND i.version < $2::bigint
), visits AS (
    UPDATE ccm.queue_visit AS v SET left_at = s.last_at, outcome = 'lost', inferred = true
    FROM stale AS s WHERE v.interaction_id = s.id AND v.outcome IS NULL
), offers AS (
    UPDATE ccm.offer AS o SET ended_at = s.last_at, outcome = 'lost'
    FROM stale AS s WHERE o.interaction_id = s.id AND o.outcome IS NULL
), talks AS (
    UPDATE ccm.segment AS t SET ended_at = s.last_at, ended_by = 'lost', inferred = true
    FROM stale AS s WHERE t.interaction_id = s.id AND t.ended_at IS NULL
), told AS (
    INSERT INTO ccm.interaction_event (interaction_id, key, kind, at, inferred, data)
    SELECT s.id, 'ended', 'ended', s.last_at, true, jsonb_build_object('outcome', s.outcome)
    FROM stale AS s
    ON CONFLICT (interaction_id, key) DO NOTHING
)
UPDATE ccm.interaction AS i
SET state = 'ended', ended_at = s.last_at, outcome = s.outcome, inferred = true
FROM stale AS s
WHERE i.id = s.id
