-- report.agent_state: the intervals as they were seen, with names in place of ids.
CREATE OR REPLACE VIEW report.agent_state AS
SELECT
    n.name AS node,
    coalesce(nullif(a.name, ''), a.interface) AS agent,
    a.interface,
    s.state,
    s.reason,
    s.started_at,
    s.ended_at,
    report.seconds(s.started_at, coalesce(s.ended_at, report.now())) AS seconds,
    s.inferred
FROM ccm.agent_state s
JOIN ccm.agent a ON a.id = s.agent_id
JOIN ccm.node n ON n.id = a.node_id;

COMMENT ON VIEW report.agent_state IS
    'One row for each interval in which an agent was in one state. Filter by started_at, by which the table is partitioned.';
COMMENT ON COLUMN report.agent_state.node IS 'Name of the Asterisk';
COMMENT ON COLUMN report.agent_state.agent IS 'Name of the agent; the interface where there is none';
COMMENT ON COLUMN report.agent_state.interface IS 'Interface of the queue member, such as PJSIP/1001';
COMMENT ON COLUMN report.agent_state.state IS
    'logged_out (member of no queue), unavailable (phone not reachable), paused, idle, ringing, talking (queue call), wrap_up, working (on an email), busy (other call)';
COMMENT ON COLUMN report.agent_state.reason IS 'Pause reason, or the queue of the email';
COMMENT ON COLUMN report.agent_state.started_at IS 'Begin of the interval';
COMMENT ON COLUMN report.agent_state.ended_at IS 'End of the interval; null while it lasts';
COMMENT ON COLUMN report.agent_state.seconds IS 'ended - started, in seconds; an interval that goes on counts until now';
COMMENT ON COLUMN report.agent_state.inferred IS 'True when begin or end was concluded and not seen';
