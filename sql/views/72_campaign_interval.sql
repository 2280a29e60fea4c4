-- report.campaign_interval: what each campaign did in each half hour.
--
-- Everything is counted in the half hour in which the lead was claimed, also what happened to the call later, so that
-- the ratios compare the same calls above and below the line. Looked up one by one, as in report.campaign_day.
CREATE OR REPLACE VIEW report.campaign_interval AS
SELECT
    c.name AS campaign,
    c.node,
    c.queue,
    t.interval_start,
    t.interval_start + interval '30 minutes' AS interval_end,
    d.attempts,
    d.open,
    d.answered,
    d.live,
    d.connected,
    d.dropped_calls,
    d.drops,
    d.hung_up,
    d.machine,
    d.no_answer,
    d.busy,
    d.failed,
    d.unknown,
    d.opt_outs,
    report.ratio(d.live, d.attempts - d.open) AS answer_rate,
    report.ratio(d.drops, d.live) AS drop_rate,
    d.average_ring_seconds,
    d.median_agent_seconds,
    d.p99_agent_seconds,
    d.talk_seconds,
    d.agents_talked
FROM ccm.campaign AS c
CROSS JOIN LATERAL (
    SELECT
        (SELECT min(a.claimed_at) FROM ccm.attempt AS a WHERE a.campaign_id = c.id) AS first_at,
        (SELECT max(a.claimed_at) FROM ccm.attempt AS a WHERE a.campaign_id = c.id) AS last_at
) AS f
CROSS JOIN LATERAL generate_series(
    date_bin('30 minutes', f.first_at, timestamptz '2000-01-01 00:00+00'), f.last_at, interval '30 minutes'
) AS t (interval_start)
CROSS JOIN LATERAL (
    SELECT
        count(*) AS attempts,
        count(*) FILTER (WHERE a.result IS NULL) AS open,
        count(a.answered_at) AS answered,
        count(*) FILTER (WHERE a.live) AS live,
        count(*) FILTER (WHERE a.result = 'connected') AS connected,
        count(*) FILTER (WHERE a.result = 'dropped') AS dropped_calls,
        count(*) FILTER (WHERE a.dropped) AS drops,
        count(*) FILTER (WHERE a.result = 'hung_up') AS hung_up,
        count(*) FILTER (WHERE a.result = 'machine') AS machine,
        count(*) FILTER (WHERE a.result = 'no_answer') AS no_answer,
        count(*) FILTER (WHERE a.result = 'busy') AS busy,
        count(*) FILTER (WHERE a.result = 'failed') AS failed,
        count(*) FILTER (WHERE a.result = 'unknown') AS unknown,
        count(*) FILTER (WHERE a.opted_out) AS opt_outs,
        report.mean(sum(report.seconds(a.dialed_at, a.answered_at)) FILTER (WHERE a.live),
            count(report.seconds(a.dialed_at, a.answered_at)) FILTER (WHERE a.live)) AS average_ring_seconds,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY s.agent_seconds) AS median_agent_seconds,
        percentile_disc(0.99) WITHIN GROUP (ORDER BY s.agent_seconds) AS p99_agent_seconds,
        coalesce(sum(report.seconds(a.connected_at, a.ended_at)), 0) AS talk_seconds,
        count(DISTINCT nullif(a.interface, '')) FILTER (WHERE a.connected_at IS NOT NULL) AS agents_talked
    FROM ccm.attempt AS a
    CROSS JOIN LATERAL (
        SELECT report.seconds(coalesce(a.greeting_end_at, a.answered_at), a.connected_at) AS agent_seconds) AS s
    WHERE a.campaign_id = c.id
      AND a.claimed_at >= t.interval_start AND a.claimed_at < t.interval_start + interval '30 minutes'
) AS d
WHERE d.attempts > 0;

COMMENT ON VIEW report.campaign_interval IS
    'One row for each campaign and half hour in which it claimed leads; half hours in which it did not do not appear. Everything is counted in the half hour of claiming. Columns that end in _rate are between 0 and 1 and null when there is nothing to divide by. To sum half hours up, add the counts and divide again: means of rates are wrong. Filter by interval_start.';
COMMENT ON COLUMN report.campaign_interval.campaign IS 'Campaign';
COMMENT ON COLUMN report.campaign_interval.node IS 'Asterisk node that dials, as it is set now';
COMMENT ON COLUMN report.campaign_interval.queue IS 'Queue whose agents talk, as it is set now';
COMMENT ON COLUMN report.campaign_interval.interval_start IS
    'Begin of the 30 minutes, inclusive: at :00 and :30 of the hour in UTC, and so in every time zone but those that differ from UTC by a quarter of an hour';
COMMENT ON COLUMN report.campaign_interval.interval_end IS 'End of the 30 minutes, exclusive';
COMMENT ON COLUMN report.campaign_interval.attempts IS
    'Leads that were claimed = open + connected + dropped_calls + hung_up + machine + no_answer + busy + failed + unknown';
COMMENT ON COLUMN report.campaign_interval.open IS 'Attempts that go on';
COMMENT ON COLUMN report.campaign_interval.answered IS 'Attempts that were answered, by a person or a machine';
COMMENT ON COLUMN report.campaign_interval.live IS 'Attempts that a person answered';
COMMENT ON COLUMN report.campaign_interval.connected IS 'An agent talked';
COMMENT ON COLUMN report.campaign_interval.dropped_calls IS 'A person answered, and no agent came';
COMMENT ON COLUMN report.campaign_interval.drops IS
    'Of live, without an agent in time: dropped_calls, and those to which an agent came too late';
COMMENT ON COLUMN report.campaign_interval.hung_up IS 'A person answered and hung up before the agent''s time was over';
COMMENT ON COLUMN report.campaign_interval.machine IS 'A machine answered';
COMMENT ON COLUMN report.campaign_interval.no_answer IS 'Nobody answered';
COMMENT ON COLUMN report.campaign_interval.busy IS 'The line was busy';
COMMENT ON COLUMN report.campaign_interval.failed IS 'It could not be reached: no such number, no route';
COMMENT ON COLUMN report.campaign_interval.unknown IS 'Nobody saw the end';
COMMENT ON COLUMN report.campaign_interval.opt_outs IS 'Parties who pressed the key for no further calls';
COMMENT ON COLUMN report.campaign_interval.answer_rate IS 'live / (attempts - open)';
COMMENT ON COLUMN report.campaign_interval.drop_rate IS
    'drops / live. The law counts over longer periods: report.drop_ledger';
COMMENT ON COLUMN report.campaign_interval.average_ring_seconds IS
    'Mean of answered_at - dialed_at of the calls that a person answered, in seconds';
COMMENT ON COLUMN report.campaign_interval.median_agent_seconds IS
    'p50 over the connected calls of the time from the answer, or the end of the greeting where it was measured, to the agent, in seconds';
COMMENT ON COLUMN report.campaign_interval.p99_agent_seconds IS
    'p99 of the same: the time within which 99 % of those who got an agent had one';
COMMENT ON COLUMN report.campaign_interval.talk_seconds IS 'Sum of the time from the agent''s coming to the end';
COMMENT ON COLUMN report.campaign_interval.agents_talked IS 'Agents who talked in at least one of these calls';
