-- report.email_agent_day: what each agent did about email on each day, midnight to midnight in the session's time zone.
--
-- Days and look-ups as in report.agent_day (30_agent_day.sql).
CREATE OR REPLACE VIEW report.email_agent_day AS
SELECT
    n.name AS node,
    coalesce(nullif(a.name, ''), a.interface) AS agent,
    a.interface,
    d.midnight::date AS day,
    b.day_start,
    b.day_end,
    g.taken,
    r.given_back,
    o.ring_no_answers,
    w.answered,
    w.closed,
    g.transferred,
    g.handle AS handle_seconds,
    report.mean(g.handle, g.ended) AS average_handle_seconds,
    s.working AS working_seconds
FROM ccm.agent a
JOIN ccm.node n ON n.id = a.node_id
CROSS JOIN LATERAL (
    SELECT least(
        (SELECT min(answered_at) FROM ccm.segment WHERE agent_id = a.id AND version = 4611686018427387904),
        (SELECT min(offered_at) FROM ccm.offer WHERE agent_id = a.id AND version = 4611686018427387904)) AS first_at
) f
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
        count(*) AS taken,
        count(segment.ended_at) AS ended,
        count(*) FILTER (WHERE segment.ended_by = 'transfer') AS transferred,
        coalesce(sum(report.seconds(segment.answered_at, segment.ended_at)), 0) AS handle
    FROM ccm.segment
    WHERE segment.agent_id = a.id AND segment.version = 4611686018427387904
        AND segment.answered_at >= b.day_start AND segment.answered_at < b.day_end
) g
CROSS JOIN LATERAL (
    SELECT count(*) AS given_back
    FROM ccm.work_step step
    WHERE step.agent_id = a.id AND step.step = 'back' AND step.at >= b.day_start AND step.at < b.day_end
) r
CROSS JOIN LATERAL (
    SELECT count(*) AS ring_no_answers
    FROM ccm.offer
    WHERE offer.agent_id = a.id AND offer.version = 4611686018427387904 AND offer.outcome = 'ring_no_answer'
        AND offer.offered_at >= b.day_start AND offer.offered_at < b.day_end
) o
CROSS JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE item.outcome = 'answered') AS answered,
        count(*) FILTER (WHERE item.outcome <> 'answered') AS closed
    FROM ccm.work_item item
    WHERE item.agent_id = a.id AND item.done_at >= b.day_start AND item.done_at < b.day_end
) w
CROSS JOIN LATERAL (
    SELECT coalesce(sum(report.seconds(greatest(t.started_at, b.day_start),
        least(coalesce(t.ended_at, report.now()), b.day_end))) FILTER (WHERE t.state = 'working'), 0) AS working
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
) s
WHERE g.taken + r.given_back + o.ring_no_answers + w.answered + w.closed > 0 OR s.working > 0;

COMMENT ON VIEW report.email_agent_day IS
    'One row for each agent and local day on which the agent had to do with email. Days run from midnight to midnight in the time zone of the session, as in report.agent_day.';
COMMENT ON COLUMN report.email_agent_day.node IS 'Name of the Asterisk';
COMMENT ON COLUMN report.email_agent_day.agent IS 'Name of the agent; the interface where there is none';
COMMENT ON COLUMN report.email_agent_day.interface IS 'Interface of the queue member, such as PJSIP/1001';
COMMENT ON COLUMN report.email_agent_day.day IS 'The day, in the time zone of the session';
COMMENT ON COLUMN report.email_agent_day.day_start IS 'Local midnight at which the day begins, inclusive';
COMMENT ON COLUMN report.email_agent_day.day_end IS 'Local midnight at which the day ends, exclusive';
COMMENT ON COLUMN report.email_agent_day.taken IS 'Emails that the agent took on this day, by phone or otherwise; one that he took twice counts twice';
COMMENT ON COLUMN report.email_agent_day.given_back IS 'Times that the agent answered the phone, heard of an email and gave it back, by key or by doing nothing';
COMMENT ON COLUMN report.email_agent_day.ring_no_answers IS 'Times that the phone rang for an email and the agent let it ring out, or gave the email back';
COMMENT ON COLUMN report.email_agent_day.answered IS 'Emails of which the agent was the last and that were done on this day with an answer to the customer';
COMMENT ON COLUMN report.email_agent_day.closed IS 'The same, without an answer';
COMMENT ON COLUMN report.email_agent_day.transferred IS
    'Of taken: those that left his hands undone, to this or another queue, or were put off until a time; whoever decided that';
COMMENT ON COLUMN report.email_agent_day.handle_seconds IS
    'Sum of the times that the emails taken on this day, and no longer in hand, were in hand; two at once count twice, pauses and nights too';
COMMENT ON COLUMN report.email_agent_day.average_handle_seconds IS 'AHT of email: mean of the same';
COMMENT ON COLUMN report.email_agent_day.working_seconds IS
    'Seconds of this day with an email in hand, and in no call, wrap-up or pause, however many emails; as in report.agent_day';
