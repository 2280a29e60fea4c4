-- report.supervision: who listened to which talk.
--
-- LIMIT makes a look-up of each segment and visit; as joins they read the whole tables for one day.
CREATE OR REPLACE VIEW report.supervision AS
SELECT
    u.interaction_id,
    u.segment,
    n.name AS node,
    q.name AS queue,
    coalesce(nullif(a.name, ''), a.interface) AS agent,
    coalesce(nullif(b.name, ''), u.supervisor) AS supervisor,
    u.supervisor AS supervisor_interface,
    u.mode,
    u.keys,
    nullif(u.asked_by, '') AS asked_by,
    u.started_at,
    u.ended_at,
    report.seconds(u.started_at, coalesce(u.ended_at, report.now())) AS seconds,
    u.inferred
FROM ccm.supervision u
JOIN ccm.agent a ON a.id = u.agent_id
JOIN ccm.node n ON n.id = a.node_id
LEFT JOIN ccm.agent b ON b.node_id = a.node_id AND b.interface = u.supervisor
LEFT JOIN LATERAL (
    SELECT g.visit
    FROM ccm.segment g
    WHERE g.interaction_id = u.interaction_id AND g.ordinal = u.segment
    LIMIT 1
) s ON true
LEFT JOIN LATERAL (
    SELECT k.queue_id
    FROM ccm.queue_visit k
    WHERE k.interaction_id = u.interaction_id AND k.ordinal = s.visit
    LIMIT 1
) v ON true
LEFT JOIN ccm.queue q ON q.id = v.queue_id;

COMMENT ON VIEW report.supervision IS
    'One row for each time that a supervisor''s phone heard a segment, whether ccm began it or a code of the PBX. Filter by started_at, which has an index.';
COMMENT ON COLUMN report.supervision.interaction_id IS 'The interaction: report.interaction.id';
COMMENT ON COLUMN report.supervision.segment IS 'Which segment of the interaction, from 1';
COMMENT ON COLUMN report.supervision.node IS 'Name of the Asterisk';
COMMENT ON COLUMN report.supervision.queue IS 'Queue from which the segment came; null for a call without one';
COMMENT ON COLUMN report.supervision.agent IS 'Name of the agent who was heard; the interface where there is none';
COMMENT ON COLUMN report.supervision.supervisor IS
    'Name of the agent whose phone the supervisor used; the interface where it is no agent''s';
COMMENT ON COLUMN report.supervision.supervisor_interface IS 'Interface of the supervisor''s phone';
COMMENT ON COLUMN report.supervision.mode IS
    'monitor (hears both), whisper (and the agent hears the supervisor), barge (both do): as it began; null when the PBX began it';
COMMENT ON COLUMN report.supervision.keys IS 'True when the supervisor could change the mode by keypad';
COMMENT ON COLUMN report.supervision.asked_by IS
    'User of the operating system who ran ccm; null when the PBX began it';
COMMENT ON COLUMN report.supervision.started_at IS 'When the supervisor began to hear the talk';
COMMENT ON COLUMN report.supervision.ended_at IS 'When that ended; null while it lasts';
COMMENT ON COLUMN report.supervision.seconds IS 'ended - started, in seconds; one that goes on counts until now';
COMMENT ON COLUMN report.supervision.inferred IS 'True when begin or end was concluded and not seen';
