-- report.agent_day: what each agent did on each day, midnight to midnight in the session's time zone.
--
-- A view can't be told a zone, so it takes that of the session: SET timezone = 'Europe/Berlin', or the
-- time zone in the settings of the tool that connects. A day is from local midnight to the next one:
-- 23 or 25 hours when the clocks change. States that span midnight are cut there and counted on both
-- days; a state that goes on counts until now.
--
-- For each agent and day two look-ups by (agent_id, started_at) find the states: those that began on
-- the day, and the last one before it, which may reach into it. That is enough since the states of an
-- agent follow each other, and it lets a question about one day read that day only.
CREATE OR REPLACE VIEW report.agent_day AS
SELECT
    n.name AS node,
    coalesce(nullif(a.name, ''), a.interface) AS agent,
    a.interface,
    d.midnight::date AS day,
    b.day_start,
    b.day_end,
    s.logged_in AS logged_in_seconds,
    s.idle AS idle_seconds,
    s.ringing AS ringing_seconds,
    s.talking AS talking_seconds,
    s.wrap_up AS wrap_up_seconds,
    s.paused AS paused_seconds,
    s.unavailable AS unavailable_seconds,
    s.working AS working_seconds,
    s.busy AS busy_seconds,
    g.hold AS hold_seconds,
    g.handled,
    o.offers,
    o.answered AS offers_answered,
    o.ring_no_answers,
    report.ratio(o.answered, o.offers) AS agent_answer_rate,
    report.ratio(o.answered, o.answered + o.ring_no_answers) AS agent_answer_of_own_offers_rate,
    report.mean(g.handle, g.ended) AS average_handle_seconds,
    report.ratio(s.talking + s.wrap_up + s.working, s.talking + s.wrap_up + s.working + s.idle) AS occupancy_rate,
    report.ratio(s.talking + s.wrap_up + s.working, s.logged_in) AS utilisation_rate,
    s.first_login_at,
    s.last_logout_at
FROM ccm.agent a
JOIN ccm.node n ON n.id = a.node_id
CROSS JOIN LATERAL (
    SELECT least(
        (SELECT min(started_at) FROM ccm.agent_state WHERE agent_id = a.id),
        (SELECT min(answered_at) FROM ccm.segment WHERE agent_id = a.id),
        (SELECT min(offered_at) FROM ccm.offer WHERE agent_id = a.id)) AS first_at
) f
-- One day earlier than needed: where clocks go back over midnight, a time can show a later date than
-- the day to which its moment belongs.
CROSS JOIN LATERAL generate_series(
    (f.first_at AT TIME ZONE current_setting('TimeZone'))::date - interval '1 day',
    (report.now() AT TIME ZONE current_setting('TimeZone'))::date,
    interval '1 day') AS d (midnight)
CROSS JOIN LATERAL (
    SELECT
        d.midnight AT TIME ZONE current_setting('TimeZone') AS day_start,
        (d.midnight + interval '1 day') AT TIME ZONE current_setting('TimeZone') AS day_end
) b
CROSS JOIN LATERAL (
    SELECT
        coalesce(sum(p.seconds), 0) AS logged_in,
        coalesce(sum(p.seconds) FILTER (WHERE p.state = 'idle'), 0) AS idle,
        coalesce(sum(p.seconds) FILTER (WHERE p.state = 'ringing'), 0) AS ringing,
        coalesce(sum(p.seconds) FILTER (WHERE p.state = 'talking'), 0) AS talking,
        coalesce(sum(p.seconds) FILTER (WHERE p.state = 'wrap_up'), 0) AS wrap_up,
        coalesce(sum(p.seconds) FILTER (WHERE p.state = 'paused'), 0) AS paused,
        coalesce(sum(p.seconds) FILTER (WHERE p.state = 'unavailable'), 0) AS unavailable,
        coalesce(sum(p.seconds) FILTER (WHERE p.state = 'working'), 0) AS working,
        coalesce(sum(p.seconds) FILTER (WHERE p.state = 'busy'), 0) AS busy,
        min(p.since) AS first_login_at,
        CASE
            WHEN NOT bool_or(p.ended_at IS NULL AND p.until < b.day_end) THEN max(p.until)
        END AS last_logout_at
    FROM (
        SELECT
            t.state,
            t.ended_at,
            greatest(t.started_at, b.day_start) AS since,
            least(coalesce(t.ended_at, report.now()), b.day_end) AS until,
            report.seconds(greatest(t.started_at, b.day_start),
                least(coalesce(t.ended_at, report.now()), b.day_end)) AS seconds
        FROM (
            SELECT state, started_at, ended_at
            FROM ccm.agent_state
            WHERE agent_id = a.id AND started_at >= b.day_start AND started_at < b.day_end
            UNION ALL
            (SELECT state, started_at, ended_at
             FROM ccm.agent_state
             WHERE agent_id = a.id AND started_at < b.day_start
             ORDER BY started_at DESC
             LIMIT 1)
        ) t
    ) p
    WHERE p.until > p.since AND p.state <> 'logged_out'
) s
CROSS JOIN LATERAL (
    SELECT
        count(*) AS handled,
        count(segment.ended_at) AS ended,
        coalesce(sum(round(segment.hold_seconds::numeric, 3)), 0) AS hold,
        sum(report.seconds(segment.answered_at, segment.ended_at)
            + round(segment.wrap_up_seconds::numeric, 3)) AS handle
    FROM ccm.segment
    -- Not those of emails (ccm.work_version), which are in report.email_agent_day.
    WHERE segment.agent_id = a.id AND segment.version < 4611686018427387904
      AND segment.answered_at >= b.day_start AND segment.answered_at < b.day_end
) g
CROSS JOIN LATERAL (
    SELECT
        count(offer.outcome) AS offers,
        count(*) FILTER (WHERE offer.outcome = 'answered') AS answered,
        count(*) FILTER (WHERE offer.outcome = 'ring_no_answer') AS ring_no_answers
    FROM ccm.offer
    WHERE offer.agent_id = a.id AND offer.version < 4611686018427387904
      AND offer.offered_at >= b.day_start AND offer.offered_at < b.day_end
) o
WHERE s.logged_in > 0 OR g.handled > 0 OR o.offers > 0;

COMMENT ON VIEW report.agent_day IS
    'One row for each agent and local day on which the agent was logged in, handled a call or was offered one. Days run from midnight to midnight in the time zone of the session (SET timezone = ''Europe/Berlin''); 23 or 25 hours when the clocks change. Columns that end in _rate are between 0 and 1 and null when there is nothing to divide by.';
COMMENT ON COLUMN report.agent_day.node IS 'Name of the Asterisk';
COMMENT ON COLUMN report.agent_day.agent IS 'Name of the agent; the interface where there is none';
COMMENT ON COLUMN report.agent_day.interface IS 'Interface of the queue member, such as PJSIP/1001';
COMMENT ON COLUMN report.agent_day.day IS 'The day, in the time zone of the session';
COMMENT ON COLUMN report.agent_day.day_start IS 'Local midnight at which the day begins, inclusive';
COMMENT ON COLUMN report.agent_day.day_end IS 'Local midnight at which the day ends, exclusive';
COMMENT ON COLUMN report.agent_day.logged_in_seconds IS
    'Seconds of the day in any state but logged out = idle + ringing + talking + wrap-up + paused + unavailable + working + busy';
COMMENT ON COLUMN report.agent_day.idle_seconds IS 'Seconds available for an interaction and without one';
COMMENT ON COLUMN report.agent_day.ringing_seconds IS 'Seconds in which the phone rang for a queue';
COMMENT ON COLUMN report.agent_day.talking_seconds IS 'Seconds in calls of a queue, those on hold too';
COMMENT ON COLUMN report.agent_day.wrap_up_seconds IS 'Seconds in wrap-up after calls of a queue';
COMMENT ON COLUMN report.agent_day.paused_seconds IS 'Seconds paused';
COMMENT ON COLUMN report.agent_day.unavailable_seconds IS 'Seconds a member of a queue while the phone could not be reached';
COMMENT ON COLUMN report.agent_day.working_seconds IS
    'Seconds with an email in hand, and in no call, wrap-up or pause: seconds in a call that interrupts an email count as talking, and once';
COMMENT ON COLUMN report.agent_day.busy_seconds IS 'Seconds in other calls than those of a queue';
COMMENT ON COLUMN report.agent_day.hold_seconds IS
    'Seconds of hold in the segments answered on this day, also where the talk went on after midnight; part of talking_seconds';
COMMENT ON COLUMN report.agent_day.handled IS 'Segments of calls that the agent answered on this day. Emails are in report.email_agent_day';
COMMENT ON COLUMN report.agent_day.offers IS
    'Times that the agent''s phone began to ring for a queue on this day; one that still rings is not in it, nor are emails';
COMMENT ON COLUMN report.agent_day.offers_answered IS 'Offers that the agent answered';
COMMENT ON COLUMN report.agent_day.ring_no_answers IS 'Offers that the agent let ring out or refused';
COMMENT ON COLUMN report.agent_day.agent_answer_rate IS
    'offers_answered / offers. With the strategy ringall an answer is also an offer lost for all others: see agent_answer_of_own_offers_rate';
COMMENT ON COLUMN report.agent_day.agent_answer_of_own_offers_rate IS
    'offers_answered / (offers_answered + ring_no_answers): without the offers that ended since another agent answered, the caller left or the end was not seen';
COMMENT ON COLUMN report.agent_day.average_handle_seconds IS
    'AHT: mean of talk + hold + wrap-up (as set for the member) of the segments that the agent answered on this day and that have ended, in seconds';
COMMENT ON COLUMN report.agent_day.occupancy_rate IS
    'handling / (handling + idle), where handling = talking + wrap-up + working. No second counts twice, since an agent is in one state at a time. Ringing, pauses and other calls are in neither';
COMMENT ON COLUMN report.agent_day.utilisation_rate IS
    'handling / logged-in time, where handling = talking + wrap-up + working. Pauses are in the denominator';
COMMENT ON COLUMN report.agent_day.first_login_at IS
    'First moment of the day at which the agent was logged in: the day''s begin when logged in over midnight';
COMMENT ON COLUMN report.agent_day.last_logout_at IS
    'Last moment of the day at which the agent was logged in: the day''s end when logged in over midnight; null while logged in';
