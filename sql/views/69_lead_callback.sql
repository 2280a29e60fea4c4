-- report.lead_callback: one row for each callback that was promised to a lead, and how it was kept.
CREATE OR REPLACE VIEW report.lead_callback AS
SELECT
    c.id,
    p.name AS campaign,
    p.state AS campaign_state,
    c.lead_id,
    l.external_id,
    l.name AS lead,
    n.number,
    coalesce(nullif(a.name, ''), a.interface) AS agent,
    a.interface,
    c.made_at,
    c.made_by,
    c.promised_at,
    c.late_from,
    c.first_promised,
    c.moves,
    c.state,
    c.reason,
    CASE WHEN c.closed_at IS NULL THEN c.due_at END AS next_at,
    d.calls,
    d.first_called_at,
    d.reached_at,
    c.closed_at,
    greatest(report.seconds(c.promised_at, d.first_called_at), 0) AS late_seconds,
    coalesce(d.first_called_at, c.closed_at, report.now()) > c.late_from AS missed,
    d.calling,
    c.note
FROM ccm.lead_callback AS c
JOIN ccm.campaign AS p ON p.id = c.campaign_id
JOIN ccm.lead AS l ON l.id = c.lead_id
JOIN ccm.lead_number AS n ON n.lead_id = c.lead_id AND n.ordinal = c.number_ordinal
LEFT JOIN ccm.agent AS a ON a.id = c.agent_id
CROSS JOIN LATERAL (
    SELECT
        count(*) AS calls,
        min(t.claimed_at) FILTER (WHERE c.moved_at IS NULL OR t.claimed_at >= c.moved_at) AS first_called_at,
        min(t.connected_at) AS reached_at,
        coalesce(bool_or(t.ended_at IS NULL), false) AS calling
    FROM ccm.attempt AS t
    WHERE t.lead_id = c.lead_id AND t.callback_id = c.id
) AS d;
COMMENT ON VIEW report.lead_callback IS 'One row for each callback that was promised to a lead of a campaign. Filter by promised_at';
COMMENT ON COLUMN report.lead_callback.id IS 'Id of the promise';
COMMENT ON COLUMN report.lead_callback.campaign IS 'Campaign';
COMMENT ON COLUMN report.lead_callback.campaign_state IS 'State of the campaign: running and paused ones keep promises';
COMMENT ON COLUMN report.lead_callback.lead_id IS 'Number of the lead';
COMMENT ON COLUMN report.lead_callback.external_id IS 'Id of the lead in the system it came from';
COMMENT ON COLUMN report.lead_callback.lead IS 'Name of the lead';
COMMENT ON COLUMN report.lead_callback.number IS 'Number to be called';
COMMENT ON COLUMN report.lead_callback.agent IS 'Who promised to call; null: anybody of the campaign';
COMMENT ON COLUMN report.lead_callback.interface IS 'Interface of that agent';
COMMENT ON COLUMN report.lead_callback.made_at IS 'When it was promised';
COMMENT ON COLUMN report.lead_callback.made_by IS 'Who wrote it down';
COMMENT ON COLUMN report.lead_callback.promised_at IS 'The time that was promised';
COMMENT ON COLUMN report.lead_callback.late_from IS 'A call after that misses the promise';
COMMENT ON COLUMN report.lead_callback.first_promised IS 'The time that was promised at first, before it was moved';
COMMENT ON COLUMN report.lead_callback.moves IS 'How often it was moved to another time';
COMMENT ON COLUMN report.lead_callback.state IS
    'promised (not called yet), tried (called, nobody was reached: again at next_at unless it is over), reached, cancelled, lapsed (may not be called any more)';
COMMENT ON COLUMN report.lead_callback.reason IS 'Why it is so, in words';
COMMENT ON COLUMN report.lead_callback.next_at IS 'When it is to be called next; null when it is over';
COMMENT ON COLUMN report.lead_callback.calls IS 'Calls that were to keep it';
COMMENT ON COLUMN report.lead_callback.first_called_at IS 'When the first of them began, since it was moved; null when there was none';
COMMENT ON COLUMN report.lead_callback.reached_at IS 'When an agent talked to the party in such a call; null when never';
COMMENT ON COLUMN report.lead_callback.closed_at IS 'When it was over; null while it is open';
COMMENT ON COLUMN report.lead_callback.late_seconds IS 'How long after the promised time the first call began; null without a call';
COMMENT ON COLUMN report.lead_callback.missed IS
    'Whether no call began before late_from; not of one that was cancelled, or could not be called any more, by then';
COMMENT ON COLUMN report.lead_callback.calling IS 'Whether a call that is to keep it is on';
COMMENT ON COLUMN report.lead_callback.note IS 'What there is to know';
