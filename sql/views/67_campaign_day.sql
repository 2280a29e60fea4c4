-- report.campaign_day: one row for each campaign and day on which it dialled.
--
-- The days of a campaign are looked up one by one, by the index on campaign and time, so that a
-- question about one day reads that day.
CREATE OR REPLACE VIEW report.campaign_day AS
SELECT
    c.name AS campaign,
    t.midnight::date AS day,
    z.time_zone,
    d.attempts,
    d.permits,
    d.open,
    d.connected,
    d.dropped_calls,
    d.hung_up,
    d.machine,
    d.no_answer,
    d.busy,
    d.failed,
    d.unknown,
    d.live,
    d.drops,
    d.machines_found,
    coalesce(round(d.unheard * j.persons / nullif(j.heard, 0)::numeric, 3), 0) AS estimated_false_positives,
    d.opt_outs,
    report.ratio(d.live, d.attempts - d.open) AS answer_rate,
    report.ratio(d.drops, d.live) AS drop_rate,
    d.median_agent_seconds,
    d.p99_agent_seconds,
    d.talk_seconds
FROM ccm.campaign AS c
CROSS JOIN LATERAL (SELECT coalesce(c.settings ->> 'time_zone', 'UTC') AS time_zone) AS z
CROSS JOIN LATERAL (
    SELECT
        (SELECT min(a.claimed_at) FROM ccm.attempt AS a WHERE a.campaign_id = c.id) AS first_at,
        (SELECT max(a.claimed_at) FROM ccm.attempt AS a WHERE a.campaign_id = c.id) AS last_at
) AS f
-- One day earlier than needed: where clocks go back over midnight, a time can show a later date than
-- the day to which its moment belongs.
CROSS JOIN LATERAL generate_series(
    (f.first_at AT TIME ZONE z.time_zone)::date - interval '1 day',
    (f.last_at AT TIME ZONE z.time_zone)::date,
    interval '1 day') AS t (midnight)
CROSS JOIN LATERAL (
    SELECT
        count(*) AS attempts,
        count(p.attempt_id) AS permits,
        count(*) FILTER (WHERE a.result IS NULL) AS open,
        count(*) FILTER (WHERE a.result = 'connected') AS connected,
        count(*) FILTER (WHERE a.result = 'dropped') AS dropped_calls,
        count(*) FILTER (WHERE a.result = 'hung_up') AS hung_up,
        count(*) FILTER (WHERE a.result = 'machine') AS machine,
        count(*) FILTER (WHERE a.result = 'no_answer') AS no_answer,
        count(*) FILTER (WHERE a.result = 'busy') AS busy,
        count(*) FILTER (WHERE a.result = 'failed') AS failed,
        count(*) FILTER (WHERE a.result = 'unknown') AS unknown,
        count(*) FILTER (WHERE a.live) AS live,
        count(*) FILTER (WHERE a.dropped) AS drops,
        count(*) FILTER (WHERE a.live AND NOT a.dropped AND said.effect = 'machine') AS machines_found,
        count(*) FILTER (WHERE a.detected = 'machine' AND NOT a.sampled AND a.ended_at IS NOT NULL) AS unheard,
        count(*) FILTER (WHERE a.opted_out) AS opt_outs,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY s.agent_seconds) AS median_agent_seconds,
        percentile_disc(0.99) WITHIN GROUP (ORDER BY s.agent_seconds) AS p99_agent_seconds,
        coalesce(sum(report.seconds(a.connected_at, a.ended_at)), 0) AS talk_seconds
    FROM ccm.attempt AS a
    CROSS JOIN LATERAL (
        SELECT report.seconds(coalesce(a.greeting_end_at, a.answered_at), a.connected_at) AS agent_seconds) AS s
    -- LIMIT makes it a look-up for each attempt; as a join it reads every permit there ever was.
    LEFT JOIN LATERAL (SELECT p.attempt_id FROM ccm.permit AS p WHERE p.attempt_id = a.id LIMIT 1) AS p ON true
    LEFT JOIN LATERAL (
        SELECT l.effect FROM ccm.lead_disposition AS l
        WHERE l.attempt_id = a.id AND a.live AND l.effect <> 'none'
        ORDER BY l.applied_at DESC, l.disposition_id DESC LIMIT 1) AS said ON true
    WHERE a.campaign_id = c.id
      AND a.claimed_at >= t.midnight AT TIME ZONE z.time_zone
      AND a.claimed_at < (t.midnight + interval '1 day') AT TIME ZONE z.time_zone
) AS d
-- What agents heard on the day and the 29 days before; campaign_day_counts.sql has the same for whoever dials.
CROSS JOIN LATERAL (
    SELECT count(*) AS heard, count(*) FILTER (WHERE said.effect <> 'machine') AS persons
    FROM ccm.attempt AS a
    CROSS JOIN LATERAL (
        SELECT l.effect FROM ccm.lead_disposition AS l
        WHERE l.attempt_id = a.id AND l.effect <> 'none'
        ORDER BY l.applied_at DESC, l.disposition_id DESC LIMIT 1) AS said
    WHERE a.campaign_id = c.id AND a.sampled AND d.unheard > 0
      AND a.claimed_at >= (t.midnight - interval '29 days') AT TIME ZONE z.time_zone
      AND a.claimed_at < (t.midnight + interval '1 day') AT TIME ZONE z.time_zone
) AS j
WHERE d.attempts > 0;
COMMENT ON VIEW report.campaign_day IS
    'What each campaign did on each day of its own time zone, by the moment in which leads were claimed';
COMMENT ON COLUMN report.campaign_day.campaign IS 'Campaign';
COMMENT ON COLUMN report.campaign_day.day IS 'Day';
COMMENT ON COLUMN report.campaign_day.time_zone IS 'Time zone in which the campaign counts days (its setting time_zone)';
COMMENT ON COLUMN report.campaign_day.attempts IS 'Leads that were claimed';
COMMENT ON COLUMN report.campaign_day.permits IS 'Permits of them: as many as attempts';
COMMENT ON COLUMN report.campaign_day.open IS 'Attempts that go on';
COMMENT ON COLUMN report.campaign_day.connected IS 'An agent talked';
COMMENT ON COLUMN report.campaign_day.dropped_calls IS 'A person answered, and no agent came';
COMMENT ON COLUMN report.campaign_day.hung_up IS 'A person answered and hung up before the agent''s time was over';
COMMENT ON COLUMN report.campaign_day.machine IS 'A machine answered';
COMMENT ON COLUMN report.campaign_day.no_answer IS 'Nobody answered';
COMMENT ON COLUMN report.campaign_day.busy IS 'The line was busy';
COMMENT ON COLUMN report.campaign_day.failed IS 'It could not be reached: no such number, no route';
COMMENT ON COLUMN report.campaign_day.unknown IS 'Nobody saw the end';
COMMENT ON COLUMN report.campaign_day.live IS 'Attempts that a person answered';
COMMENT ON COLUMN report.campaign_day.drops IS 'Of these, without an agent in time; one who came later changes nothing';
COMMENT ON COLUMN report.campaign_day.machines_found IS
    'Of live, not dropped, those that the agent''s code says were machines (its last code that means something in the campaign)';
COMMENT ON COLUMN report.campaign_day.estimated_false_positives IS
    'Persons whom detection is estimated to have taken for machines, and who were hung up on: machines that nobody heard, times the share of persons in the sample that agents heard on the day and the 29 days before';
COMMENT ON COLUMN report.campaign_day.opt_outs IS 'Parties who pressed the key for no further calls';
COMMENT ON COLUMN report.campaign_day.answer_rate IS 'live / attempts that are over';
COMMENT ON COLUMN report.campaign_day.drop_rate IS 'drops / live';
COMMENT ON COLUMN report.campaign_day.median_agent_seconds IS
    'Median of the time from the answer, or the end of the greeting where it was measured, to the agent';
COMMENT ON COLUMN report.campaign_day.p99_agent_seconds IS 'The time within which 99 % of those who got an agent had one';
COMMENT ON COLUMN report.campaign_day.talk_seconds IS 'Sum of the time from the agent''s coming to the end';
