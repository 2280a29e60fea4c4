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
)
SELECT (SELECT count(*) FROM visits) + (SELECT count(*) FROM offers) + (SELECT count(*) FROM talks)
