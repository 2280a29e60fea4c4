-- What is stored on node $1 of the call $2 whose interaction may have the id $3 (or of the call that
-- a channel of an agent brought into a queue $4 at about $5, when $2 is that channel): as facts
WITH node AS (
    SELECT id, name FROM ccm.node WHERE name = $1::text
), own AS (
    SELECT i.id FROM ccm.interaction AS i, node AS n
    WHERE i.node_id = n.id AND i.uniqueid = $2::text
    UNION
    SELECT i.id FROM ccm.interaction AS i, node AS n WHERE i.node_id = n.id AND i.id = $3::uuid
), brought AS (
    SELECT v.interaction_id AS id
    FROM node AS n
    JOIN ccm.queue AS q ON q.node_id = n.id AND q.name = $4::text
    JOIN ccm.queue_visit AS v ON v.queue_id = q.id
        AND v.joined_at BETWEEN $5::timestamptz - interval '1 second'
            AND $5::timestamptz + interval '2 seconds'
    JOIN ccm.interaction AS i ON i.id = v.interaction_id
    WHERE NOT EXISTS (SELECT FROM own)
        AND NOT EXISTS (
            SELECT FROM ccm.queue_log_row AS r
            WHERE r.node_id = n.id AND r.call = i.uniqueid AND r.queue = $4::text
                AND r.event = 'ENTERQUEUE'
                AND r.at BETWEEN $5::timestamptz - interval '3 seconds'
                    AND $5::timestamptz + interval '3 seconds')
    ORDER BY abs(extract(epoch FROM v.joined_at - $5::timestamptz)), v.interaction_id
    LIMIT 1
), call AS MATERIALIZED (
    SELECT i.*, n.name AS node
    FROM (SELECT id FROM own UNION SELECT id FROM brought ORDER BY id LIMIT 1) AS one
    JOIN ccm.interaction AS i ON i.id = one.id
    JOIN node AS n ON n.id = i.node_id
)
SELECT f.fact::text
FROM (
    SELECT 1 AS kind, 0 AS ordinal, jsonb_build_object(
        't', 'interaction', 'id', i.id, 'version', i.version, 'node', i.node,
        'channel', i.channel, 'direction', i.direction, 'state', i.state,
        'linkedid', i.linkedid, 'uniqueid', i.uniqueid, 'caller_num', i.caller_num,
        'caller_name', i.caller_name, 'did', i.did, 'started_at', i.started_at,
        'ended_at', i.ended_at, 'outcome', i.outcome, 'inferred', i.inferred) AS fact
    FROM call AS i
    UNION ALL
    SELECT 2, v.ordinal, jsonb_build_object(
        't', 'queue_visit', 'interaction_id', i.id, 'ordinal', v.ordinal, 'version', v.version,
        'node', i.node, 'queue', q.name, 'position', v.position, 'joined_at', v.joined_at,
        'answered_at', v.answered_at, 'left_at', v.left_at, 'outcome', v.outcome,
        'inferred', v.inferred)
    FROM call AS i
    JOIN ccm.queue_visit AS v ON v.interaction_id = i.id
    JOIN ccm.queue AS q ON q.id = v.queue_id
    UNION ALL
    SELECT 3, o.ordinal, jsonb_build_object(
        't', 'offer', 'interaction_id', i.id, 'ordinal', o.ordinal, 'version', o.version,
        'visit', o.visit, 'node', i.node, 'interface', a.interface, 'member_name', a.name,
        'offered_at', o.offered_at, 'ended_at', o.ended_at, 'outcome', o.outcome)
    FROM call AS i
    JOIN ccm.offer AS o ON o.interaction_id = i.id
    JOIN ccm.agent AS a ON a.id = o.agent_id
    UNION ALL
    SELECT 4, s.ordinal, jsonb_build_object(
        't', 'segment', 'interaction_id', i.id, 'ordinal', s.ordinal, 'version', s.version,
        'visit', s.visit, 'node', i.node, 'interface', a.interface, 'member_name', a.name,
        'channel', s.channel, 'agent_channel', s.agent_channel, 'offered_at', s.offered_at,
        'answered_at', s.answered_at, 'ended_at', s.ended_at, 'ended_by', s.ended_by,
        'hold_seconds', s.hold_seconds, 'wrap_up_seconds', s.wrap_up_seconds,
        'inferred', s.inferred)
    FROM call AS i
    JOIN ccm.segment AS s ON s.interaction_id = i.id
    JOIN ccm.agent AS a ON a.id = s.agent_id
) AS f
ORDER BY f.kind, f.ordinal
