-- Close single rows that no leader of the node $1 follows: open ones with a version below $2; how many
WITH visits AS (
    UPDATE ccm.queue_visit AS v
    SET left_at = v.joined_at, outcome = 'lost', inferred = true
    FROM ccm.node AS n, ccm.queue AS q
    WHERE n.name = $1::text AND q.node_id = n.id AND v.queue_id = q.id
        AND v.left_at IS NULL AND v.version < $2::bigint
    RETURNING 1
), offers AS (
    UPDATE ccm.offer AS o
    SET ended_at = o.offered_at, outcome = 'lost'
    FROM ccm.node AS n, ccm.agent AS a
    WHERE n.name = $1::text AND a.node_id = n.id AND o.agent_id = a.id
        AND o.ended_at IS NULL AND o.version < $2::bigint
    RETURNING 1
), talks AS (
    UPDATE ccm.segment AS t
    SET ended_at = greatest(t.answered_at, i.ended_at), ended_by = 'lost', inferred = true
    FROM ccm.node AS n, ccm.agent AS a, ccm.interaction AS i
    WHERE n.name = $1::text AND a.node_id = n.id AND t.agent_id = a.id
        AND t.ended_at IS NULL AND t.version < $2::bigint AND i.id = t.interaction_id
    RETURNING 1
), supervisions AS (
    UPDATE ccm.supervision AS u
    SET ended_at = greatest(u.started_at, (
            SELECT s.ended_at FROM ccm.segment AS s
            WHERE s.interaction_id = u.interaction_id AND s.ordinal = u.segment)),
        inferred = true
    FROM ccm.node AS n, ccm.agent AS a
    WHERE n.name = $1::text AND a.node_id = n.id AND u.agent_id = a.id
        AND u.ended_at IS NULL AND u.version < $2::bigint
    RETURNING u.*
), told AS (
    INSERT INTO ccm.interaction_event (interaction_id, key, kind, at, inferred, data)
    SELECT u.interaction_id,
        'supervision_ended:' || u.uniqueid || ':'
            || replace(to_char(u.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '.000000', '')
            || '+00:00',
        'supervision_ended', u.ended_at, true, jsonb_build_object('supervisor', u.supervisor)
    FROM supervisions AS u
    ON CONFLICT (interaction_id, key) DO NOTHING
)
SELECT (SELECT count(*) FROM visits) + (SELECT count(*) FROM offers) + (SELECT count(*) FROM talks)
    + (SELECT count(*) FROM supervisions)
