-- The attempts of the callback $1, with what was told of each
SELECT a.ordinal, a.attempt, a.placed_at, a.place, a.ended_at, a.outcome,
    ARRAY (SELECT s.step FROM ccm.callback_step AS s WHERE s.attempt = a.attempt ORDER BY s.at, s.step) AS steps,
    (SELECT i.id FROM ccm.interaction AS i WHERE i.uniqueid = a.attempt || ';2' LIMIT 1) AS interaction_id
FROM ccm.callback_attempt AS a
WHERE a.callback_id = $1
ORDER BY a.ordinal
