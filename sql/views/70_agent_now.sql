-- report.agent_now: each agent at this moment, as far as the daemon has told.
CREATE OR REPLACE VIEW report.agent_now AS
SELECT
    n.name AS node,
    coalesce(nullif(a.name, ''), a.interface) AS agent,
    a.interface,
    n.link,
    s.state,
    s.reason,
    s.started_at AS since,
    report.seconds(s.started_at, report.now()) AS seconds,
    m.queues,
    m.paused_queues,
    t.interaction_id
FROM ccm.agent a
JOIN ccm.node n ON n.id = a.node_id
LEFT JOIN LATERAL (
    SELECT k.state, k.reason, k.started_at
    FROM ccm.agent_state k
    WHERE k.agent_id = a.id AND k.ended_at IS NULL
    ORDER BY k.started_at DESC
    LIMIT 1
) s ON true
LEFT JOIN LATERAL (
    SELECT g.interaction_id
    FROM ccm.segment g
    WHERE g.agent_id = a.id AND g.ended_at IS NULL
    ORDER BY g.answered_at DESC
    LIMIT 1
) t ON true
CROSS JOIN LATERAL (
    SELECT
        coalesce(array_agg(q.name ORDER BY q.name), '{}') AS queues,
        coalesce(array_agg(q.name ORDER BY q.name) FILTER (WHERE qm.paused), '{}') AS paused_queues
    FROM ccm.queue_member qm
    JOIN ccm.queue q ON q.id = qm.queue_id
    WHERE qm.agent_id = a.id AND qm.member
) m;

COMMENT ON VIEW report.agent_now IS
    'One row for each agent: state and queues now. When link is not up, it is what they were when the link was lost.';
COMMENT ON COLUMN report.agent_now.node IS 'Name of the Asterisk';
COMMENT ON COLUMN report.agent_now.agent IS 'Name of the agent; the interface where there is none';
COMMENT ON COLUMN report.agent_now.interface IS 'Interface of the queue member, such as PJSIP/1001';
COMMENT ON COLUMN report.agent_now.link IS 'Manager link to the Asterisk: up, down, or never (not yet seen)';
COMMENT ON COLUMN report.agent_now.state IS
    'logged_out (member of no queue), unavailable (phone not reachable), paused, idle, ringing, talking (queue call), wrap_up, working (on an email), busy (other call); null when not told yet';
COMMENT ON COLUMN report.agent_now.reason IS 'Pause reason, or the queue of the email';
COMMENT ON COLUMN report.agent_now.since IS 'When the agent came into this state';
COMMENT ON COLUMN report.agent_now.seconds IS 'now - since, in seconds';
COMMENT ON COLUMN report.agent_now.queues IS 'Queues of which the agent is a member, by name';
COMMENT ON COLUMN report.agent_now.paused_queues IS 'Those of the queues in which the agent is paused';
COMMENT ON COLUMN report.agent_now.interaction_id IS
    'Interaction that the agent talks to or works on, the last one that was taken: report.interaction.id; null when none';
