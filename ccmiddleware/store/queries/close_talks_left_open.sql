-- Close talks of ended interactions on the node $1 that no leader follows: with a version below $2
UPDATE ccm.segment AS t
SET ended_at = greatest(t.answered_at, i.ended_at), ended_by = 'lost', inferred = true
FROM ccm.node AS n, ccm.agent AS a, ccm.interaction AS i
WHERE n.name = $1::text AND a.node_id = n.id AND t.agent_id = a.id
    AND t.ended_at IS NULL AND t.version < $2::bigint
    AND i.id = t.interaction_id AND i.ended_at IS NOT NULL
