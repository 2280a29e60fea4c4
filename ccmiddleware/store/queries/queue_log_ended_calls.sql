-- Calls of node $1 that queue_log tells the end of above the sequence $2: by a row of the kinds $3 (of those that a
-- campaign had joined with one agent, by their last step, which tells who ended the talk), or since Asterisk was started anew while the call went on.
-- The first $4 of them, in order
WITH node AS (
    SELECT id FROM ccm.node WHERE name = $1::text
), ended AS (
    SELECT r.call, r.sequence, r.at
    FROM node AS n
    JOIN ccm.queue_log_row AS r ON r.node_id = n.id AND r.sequence > $2::bigint
    WHERE r.event = ANY ($3::text[]) AND r.call <> 'NONE'
    UNION ALL
    SELECT r.call, r.sequence, r.at
    FROM node AS n
    JOIN ccm.queue_log_row AS r ON r.node_id = n.id AND r.sequence > $2::bigint
    WHERE r.event = 'CCMDIALSTEP' AND r.data[1] = 'ended' AND cardinality(r.data) > 4
    UNION ALL
    SELECT met.call, restart.sequence, restart.at
    FROM node AS n
    JOIN ccm.queue_log_row AS restart ON restart.node_id = n.id
        AND restart.sequence > $2::bigint AND restart.event = 'QUEUESTART'
    JOIN ccm.queue_log_row AS met ON met.node_id = n.id
        AND met.at BETWEEN restart.at - interval '1 day' AND restart.at
        AND met.sequence < restart.sequence
        AND met.event = 'CCMDIALSTEP' AND met.data[1] = 'connected' AND met.data[3] <> ''
    WHERE NOT EXISTS (
        SELECT FROM ccm.queue_log_row AS ended
        WHERE ended.node_id = n.id AND ended.call = met.call
            AND ended.event = 'CCMDIALSTEP' AND ended.data[1] = 'ended')
    UNION ALL
    SELECT killed.call, restart.sequence, restart.at
    FROM node AS n
    JOIN ccm.queue_log_row AS restart ON restart.node_id = n.id
        AND restart.sequence > $2::bigint AND restart.event = 'QUEUESTART'
    CROSS JOIN LATERAL (
        SELECT DISTINCT entered.call
        FROM ccm.queue_log_row AS entered
        WHERE entered.node_id = n.id
            AND entered.event = 'ENTERQUEUE'
            AND entered.at BETWEEN restart.at - interval '1 day' AND restart.at
            AND entered.sequence < restart.sequence
    ) AS killed
    CROSS JOIN LATERAL (
        SELECT last.event
        FROM ccm.queue_log_row AS last
        WHERE last.node_id = n.id AND last.call = killed.call AND last.sequence < restart.sequence
        ORDER BY last.sequence DESC
        LIMIT 1
    ) AS last
    WHERE last.event <> ALL ($3::text[])
)
SELECT e.call, min(e.sequence) AS first_sequence, max(e.sequence) AS last_sequence, max(e.at) AS at
FROM ended AS e
GROUP BY e.call
ORDER BY min(e.sequence), e.call
LIMIT $4::integer
