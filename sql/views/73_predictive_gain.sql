-- report.predictive_gain: how busy agents were, beside what one call for each free agent would have made of them.
--
-- The progressive figure is not measured but computed. Where each free agent has one call in flight, calls take the
-- lines of free agents one after the other, until a person answers: so between two talks an agent is free for as long as
-- all calls ring that it takes to find one who answers. With L = the seconds that all calls of the day rang (answered or
-- not) and N = the calls that a person answered, that is L / N on average; with H = mean handle time, agents are busy
-- H / (H + L / N). This is the renewal-reward theorem; tests/dialer/test_progressive_formula.py compares it with the
-- simulation of ccm campaign simulate. It flatters progressive dialing a little (no time passes between two calls), so the
-- gain is rather more than less. That the same leads at the same hours would have been called is assumed.
CREATE OR REPLACE VIEW report.predictive_gain AS
SELECT
    p.campaign,
    p.day,
    p.time_zone,
    p.agents_talked,
    p.calls,
    p.handle_seconds,
    p.talk_seconds,
    p.free_seconds,
    p.unpaused_seconds,
    report.ratio(p.handle_seconds, p.unpaused_seconds) AS utilisation_rate,
    report.ratio(p.handle_seconds, p.handle_seconds + p.free_seconds) AS occupancy_rate,
    a.ring_seconds,
    a.live,
    report.ratio(g.handle, g.handle + g.search) AS progressive_occupancy_rate,
    round(3600 * p.talk_seconds / nullif(p.handle_seconds + p.free_seconds, 0), 1) AS talk_per_hour_seconds,
    round(3600 * g.talk / nullif(g.handle + g.search, 0), 1) AS progressive_talk_per_hour_seconds,
    round(3600 * p.talk_seconds / nullif(p.handle_seconds + p.free_seconds, 0)
        - 3600 * g.talk / nullif(g.handle + g.search, 0), 1) AS gain_per_hour_seconds
FROM (
    SELECT
        d.campaign,
        d.day,
        d.time_zone,
        d.day_start,
        d.day_end,
        count(*) AS agents_talked,
        sum(d.calls)::bigint AS calls,
        sum(d.talk_seconds) AS talk_seconds,
        sum(d.talk_seconds + d.hold_seconds + d.wrap_up_seconds) AS handle_seconds,
        sum(d.free_seconds) AS free_seconds,
        sum(d.unpaused_seconds) AS unpaused_seconds
    FROM report.agent_campaign_day AS d
    GROUP BY d.campaign, d.day, d.time_zone, d.day_start, d.day_end
) AS p
JOIN ccm.campaign AS c ON c.name = p.campaign
CROSS JOIN LATERAL (
    SELECT
        sum(report.seconds(t.dialed_at, coalesce(t.answered_at, t.ended_at))) AS ring_seconds,
        count(*) FILTER (WHERE t.live) AS live
    FROM ccm.attempt AS t
    WHERE t.campaign_id = c.id AND t.claimed_at >= p.day_start AND t.claimed_at < p.day_end AND t.ended_at IS NOT NULL
) AS a
CROSS JOIN LATERAL (
    SELECT
        p.handle_seconds / nullif(p.calls, 0) AS handle,
        p.talk_seconds / nullif(p.calls, 0) AS talk,
        a.ring_seconds / nullif(a.live, 0) AS search
) AS g;

COMMENT ON VIEW report.predictive_gain IS
    'One row for each campaign and day with calls: how busy its agents were, and how busy progressive dialing (one call for each free agent) would have kept them on the same calls, by formula: H / (H + L / N), with H = handle_seconds / calls, L = ring_seconds, N = live (renewal-reward theorem). To sum days up, add the seconds and counts and divide again.';
COMMENT ON COLUMN report.predictive_gain.campaign IS 'Campaign';
COMMENT ON COLUMN report.predictive_gain.day IS 'Day, in the campaign''s time zone';
COMMENT ON COLUMN report.predictive_gain.time_zone IS 'Time zone in which the campaign counts days';
COMMENT ON COLUMN report.predictive_gain.agents_talked IS 'Agents who had a call of it; one who had none is not known to have been there';
COMMENT ON COLUMN report.predictive_gain.calls IS 'Calls in which agents talked; a call handed on counts with each agent';
COMMENT ON COLUMN report.predictive_gain.handle_seconds IS 'talk + hold + wrap-up of these calls, in seconds';
COMMENT ON COLUMN report.predictive_gain.talk_seconds IS 'Of these, talk without hold';
COMMENT ON COLUMN report.predictive_gain.free_seconds IS
    'Seconds in which these agents were idle or ringing while the campaign dialled (the 5 minutes from :00, :05 … in which it claimed leads). An agent who serves several campaigns is free for each: their gain is then understated';
COMMENT ON COLUMN report.predictive_gain.unpaused_seconds IS 'Seconds of the day in which these agents were logged in, not paused, with a phone that could be reached';
COMMENT ON COLUMN report.predictive_gain.utilisation_rate IS 'handle_seconds / unpaused_seconds';
COMMENT ON COLUMN report.predictive_gain.occupancy_rate IS 'handle_seconds / (handle_seconds + free_seconds): measured';
COMMENT ON COLUMN report.predictive_gain.ring_seconds IS
    'L: sum of answered_at (or ended_at) - dialed_at over all calls that are over, in seconds';
COMMENT ON COLUMN report.predictive_gain.live IS 'N: of these, answered by a person';
COMMENT ON COLUMN report.predictive_gain.progressive_occupancy_rate IS
    'H / (H + L / N): occupancy_rate that one call for each free agent would have reached, computed';
COMMENT ON COLUMN report.predictive_gain.talk_per_hour_seconds IS
    '3600 * talk_seconds / (handle_seconds + free_seconds): talk in an hour of an agent, measured; / 60 for minutes';
COMMENT ON COLUMN report.predictive_gain.progressive_talk_per_hour_seconds IS
    '3600 * T / (H + L / N), with T = talk_seconds / calls: the same with one call for each free agent, computed';
COMMENT ON COLUMN report.predictive_gain.gain_per_hour_seconds IS
    'talk_per_hour_seconds - progressive_talk_per_hour_seconds: the predictive gain';
