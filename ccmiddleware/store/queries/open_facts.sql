-- Everything that has not ended on the node named $1, as facts: what a restarted daemon goes on from
WITH node AS (
    SELECT id, name FROM ccm.node WHERE name = $1::text
), open AS MATERIALIZED (
    SELECT i.*, n.name AS node FROM node AS n JOIN ccm.interaction AS i ON i.node_id = n.id
    WHERE i.ended_at IS NULL AND i.channel <> 'email'
)
SELECT f.fact::text
FROM (
    SELECT 1 AS kind, q.name AS sort, 0 AS ordinal, jsonb_build_object(
        't', 'queue', 'node', n.name, 'name', q.name, 'strategy', q.strategy,
        'service_level_seconds', q.service_level_seconds, 'seen_at', q.seen_at) AS fact
    FROM node AS n JOIN ccm.queue AS q ON q.node_id = n.id
    WHERE q.seen_at IS NOT NULL
    UNION ALL
    SELECT 2, a.interface, 0, jsonb_build_object(
        't', 'agent', 'node', n.name, 'interface', a.interface, 'name', a.name,
        'seen_at', a.seen_at)
    FROM node AS n JOIN ccm.agent AS a ON a.node_id = n.id
    WHERE a.seen_at IS NOT NULL
    UNION ALL
    SELECT 3, q.name || ' ' || a.interface, 0, jsonb_build_object(
        't', 'queue_member', 'node', n.name, 'queue', q.name, 'interface', a.interface,
        'at', m.at, 'member', m.member, 'penalty', m.penalty, 'paused', m.paused,
        'pause_reason', m.pause_reason)
    FROM node AS n
    JOIN ccm.queue AS q ON q.node_id = n.id
    JOIN ccm.queue_member AS m ON m.queue_id = q.id AND m.member
    JOIN ccm.agent AS a ON a.id = m.agent_id
    UNION ALL
    SELECT 4, i.id::text, 0, jsonb_build_object(
        't', 'interaction', 'id', i.id, 'version', i.version, 'node', i.node,
        'channel', i.channel, 'direction', i.direction, 'state', i.state,
        'linkedid', i.linkedid, 'uniqueid', i.uniqueid, 'caller_num', i.caller_num,
        'caller_name', i.caller_name, 'did', i.did, 'started_at', i.started_at,
        'ended_at', i.ended_at, 'outcome', i.outcome, 'inferred', i.inferred)
    FROM open AS i
    UNION ALL
    SELECT 5, i.id::text, v.ordinal, jsonb_build_object(
        't', 'queue_visit', 'interaction_id', i.id, 'ordinal', v.ordinal, 'version', v.version,
        'node', i.node, 'queue', q.name, 'position', v.position, 'joined_at', v.joined_at,
        'answered_at', v.answered_at, 'left_at', v.left_at, 'outcome', v.outcome,
        'inferred', v.inferred)
    FROM open AS i
    JOIN ccm.queue_visit AS v ON v.interaction_id = i.id
    JOIN ccm.queue AS q ON q.id = v.queue_id
    UNION ALL
    SELECT 6, i.id::text, o.ordinal, jsonb_build_object(
        't', 'offer', 'interaction_id', i.id, 'ordinal', o.ordinal, 'version', o.version,
        'visit', o.visit, 'node', i.node, 'interface', a.interface, 'member_name', a.name,
        'offered_at', o.offered_at, 'ended_at', o.ended_at, 'outcome', o.outcome)
    FROM open AS i
    JOIN ccm.offer AS o ON o.interaction_id = i.id
    JOIN ccm.agent AS a ON a.id = o.agent_id
    UNION ALL
    SELECT 7, i.id::text, s.ordinal, jsonb_build_object(
        't', 'segment', 'interaction_id', i.id, 'ordinal', s.ordinal, 'version', s.version,
        'visit', s.visit, 'node', i.node, 'interface', a.interface, 'member_name', a.name,
        'channel', s.channel, 'agent_channel', s.agent_channel, 'offered_at', s.offered_at,
        'answered_at', s.answered_at, 'ended_at', s.ended_at, 'ended_by', s.ended_by,
        'hold_seconds', s.hold_seconds, 'wrap_up_seconds', s.wrap_up_seconds,
        'inferred', s.inferred)
    FROM open AS i
    JOIN ccm.segment AS s ON s.interaction_id = i.id
    JOIN ccm.agent AS a ON a.id = s.agent_id
    UNION ALL
    SELECT 8, r.interaction_id::text, r.segment, jsonb_build_object(
        't', 'recording', 'interaction_id', r.interaction_id, 'segment', r.segment,
        'version', r.version, 'node', n.name, 'state', r.state, 'path', r.path,
        'started_at', r.started_at, 'ended_at', coalesce(r.ended_at, (
            SELECT s.ended_at FROM ccm.segment AS s
            WHERE s.interaction_id = r.interaction_id AND s.ordinal = r.segment)),
        'seconds', r.seconds, 'bytes', r.bytes, 'sha256', r.sha256, 'error', r.error, 'channels', r.channels,
        'monitor', r.monitor, 'asked', r.asked, 'paused_at', r.paused_at,
        'paused_seconds', r.paused_seconds, 'stopped_at', r.stopped_at)
    FROM node AS n JOIN ccm.recording AS r ON r.node_id = n.id
    WHERE r.state IN ('expected', 'recording')
    UNION ALL
    SELECT 9, i.id::text, 0, jsonb_build_object(
        't', 'supervision', 'interaction_id', i.id, 'segment', u.segment, 'version', u.version,
        'node', i.node, 'interface', a.interface, 'member_name', a.name,
        'supervisor', u.supervisor, 'channel', u.channel, 'uniqueid', u.uniqueid, 'mode', u.mode,
        'keys', u.keys, 'asked_by', u.asked_by, 'started_at', u.started_at,
        'ended_at', u.ended_at, 'inferred', u.inferred)
    FROM open AS i
    JOIN ccm.supervision AS u ON u.interaction_id = i.id AND u.ended_at IS NULL
    JOIN ccm.agent AS a ON a.id = u.agent_id
    UNION ALL
    SELECT 10, a.interface, 0, jsonb_build_object(
        't', 'agent_state', 'node', n.name, 'interface', a.interface,
        'started_at', s.started_at, 'version', s.version, 'state', s.state,
        'reason', s.reason, 'ended_at', s.ended_at, 'inferred', s.inferred)
    FROM node AS n
    JOIN ccm.agent AS a ON a.node_id = n.id
    CROSS JOIN LATERAL (
        SELECT * FROM ccm.agent_state AS l
        WHERE l.agent_id = a.id
        ORDER BY l.started_at DESC
        LIMIT 1) AS s
) AS f
ORDER BY f.kind, f.sort, f.ordinal
