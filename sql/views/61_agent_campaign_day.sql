-- report.agent_campaign_day: what each agent did for each campaign on each day of the campaign's time zone.
--
-- Calls and talks are those of the attempts whose leads were claimed on the day; the agent's time is that of the states
-- that report.agent_day shows, cut at the campaign's midnights. Which queues an agent was in at a past moment is not
-- kept, so the time is that in which the agent was there for any queue.
CREATE OR REPLACE VIEW report.agent_campaign_day AS
SELECT
    c.name AS campaign,
    n.name AS node,
    coalesce(nullif(g.name, ''), g.interface) AS agent,
    g.interface,
    t.midnight::date AS day,
    z.time_zone,
    b.day_start,
    b.day_end,
    k.calls,
    k.talk AS talk_seconds,
    k.hold AS hold_seconds,
    k.wrap_up AS wrap_up_seconds,
    report.mean(k.talk + k.hold + k.wrap_up, k.calls) AS average_handle_seconds,
    s.logged_in AS logged_in_seconds,
    s.unpaused AS unpaused_seconds,
    s.free AS free_seconds,
    report.ratio(k.talk + k.hold + k.wrap_up, s.unpaused) AS utilisation_rate,
    report.ratio(k.talk + k.hold + k.wrap_up, k.talk + k.hold + k.wrap_up + s.free) AS occupancy_rate
FROM ccm.campaign AS c
CROSS JOIN LATERAL (SELECT coalesce(c.settings ->> 'time_zone', 'UTC') AS time_zone) AS z
CROSS JOIN LATERAL (
    SELECT
        (SELECT min(a.claimed_at) FROM ccm.attempt AS a WHERE a.campaign_id = c.id) AS first_at,
        (SELECT max(a.claimed_at) FROM ccm.attempt AS a WHERE a.campaign_id = c.id) AS last_at
) AS f
-- One day earlier than needed: see report.agent_day.
CROSS JOIN LATERAL generate_series(
    (f.first_at AT TIME ZONE z.time_zone)::date - interval '1 day',
    (f.last_at AT TIME ZONE z.time_zone)::date,
    interval '1 day') AS t (midnight)
CROSS JOIN LATERAL (
    SELECT
        t.midnight AT TIME ZONE z.time_zone AS day_start,
        (t.midnight + interval '1 day') AT TIME ZONE z.time_zone AS day_end
) AS b
CROSS JOIN LATERAL (
    SELECT range_agg(tstzrange(h.began, h.began + interval '5 minutes')) AS dialing
    FROM (
        SELECT DISTINCT date_bin('5 minutes', a.claimed_at, timestamptz '2000-01-01 00:00+00') AS began
        FROM ccm.attempt AS a
        WHERE a.campaign_id = c.id AND a.claimed_at >= b.day_start AND a.claimed_at < b.day_end
    ) AS h
) AS w
CROSS JOIN LATERAL (
    SELECT
        p.agent_id,
        count(DISTINCT a.id) AS calls,
        sum(p.talk) AS talk,
        sum(p.hold) AS hold,
        sum(p.wrap_up) AS wrap_up
    FROM ccm.attempt AS a
    CROSS JOIN LATERAL (
        SELECT (
            SELECT i.id
            FROM ccm.interaction AS i
            WHERE ccm.attempt_of(i.linkedid) = a.id
                -- Its id has the second of the claim. Postgres knows nothing of how the values of a partial index
                -- are spread, and reads all that lies between the bounds: they are narrow.
                AND i.id >= ccm.uuid7_bound(a.claimed_at - interval '1 minute')
                AND i.id < ccm.uuid7_bound(a.claimed_at + interval '1 minute')
            LIMIT 1) AS interaction_id
    ) AS x
    CROSS JOIN LATERAL (
        SELECT
            e.agent_id,
            greatest(report.seconds(e.answered_at, coalesce(e.ended_at, report.now()))
                - round(e.hold_seconds::numeric, 3), 0) AS talk,
            round(e.hold_seconds::numeric, 3) AS hold,
            round(e.wrap_up_seconds::numeric, 3) AS wrap_up
        FROM ccm.segment AS e
        WHERE e.interaction_id = x.interaction_id AND e.version < 4611686018427387904
        UNION ALL
        -- A call of which no interaction is known: what the dialplan told of it.
        SELECT o.id, report.seconds(a.connected_at, coalesce(a.ended_at, report.now())), 0, 0
        FROM ccm.agent AS o
        JOIN ccm.node AS m ON m.id = o.node_id
        WHERE m.name = a.node AND o.interface = a.interface AND a.interface <> '' AND a.connected_at IS NOT NULL
          AND NOT EXISTS (SELECT FROM ccm.segment AS e WHERE e.interaction_id = x.interaction_id)
    ) AS p
    WHERE a.campaign_id = c.id AND a.claimed_at >= b.day_start AND a.claimed_at < b.day_end
      -- Most calls meet no agent: of those there is nothing to look up.
      AND (a.connected_at IS NOT NULL OR a.inferred OR a.ended_at IS NULL)
    GROUP BY p.agent_id
) AS k
JOIN ccm.agent AS g ON g.id = k.agent_id
JOIN ccm.node AS n ON n.id = g.node_id
CROSS JOIN LATERAL (
    SELECT
        coalesce(sum(i.seconds), 0) AS logged_in,
        coalesce(sum(i.seconds) FILTER (WHERE i.state NOT IN ('paused', 'unavailable')), 0) AS unpaused,
        coalesce(sum((
            SELECT sum(report.seconds(lower(r.part), upper(r.part)))
            FROM unnest(w.dialing * tstzmultirange(tstzrange(i.since, i.until))) AS r (part)
        )) FILTER (WHERE i.state IN ('idle', 'ringing')), 0) AS free
    FROM (
        SELECT
            v.state,
            greatest(v.started_at, b.day_start) AS since,
            least(coalesce(v.ended_at, report.now()), b.day_end) AS until,
            report.seconds(greatest(v.started_at, b.day_start),
                least(coalesce(v.ended_at, report.now()), b.day_end)) AS seconds
        FROM (
            SELECT state, started_at, ended_at
            FROM ccm.agent_state
            WHERE agent_id = g.id AND started_at >= b.day_start AND started_at < b.day_end
            UNION ALL
            (SELECT state, started_at, ended_at
             FROM ccm.agent_state
             WHERE agent_id = g.id AND started_at < b.day_start
             ORDER BY started_at DESC
             LIMIT 1)
        ) AS v
    ) AS i
    WHERE i.until > i.since AND i.state <> 'logged_out'
) AS s;

COMMENT ON VIEW report.agent_campaign_day IS
    'One row for each campaign, agent and day of the campaign''s time zone on which the agent had one of its calls. A call counts on the day on which its lead was claimed. Columns that end in _rate are between 0 and 1 and null when there is nothing to divide by.';
COMMENT ON COLUMN report.agent_campaign_day.campaign IS 'Campaign';
COMMENT ON COLUMN report.agent_campaign_day.node IS 'Name of the Asterisk';
COMMENT ON COLUMN report.agent_campaign_day.agent IS 'Name of the agent; the interface where there is none';
COMMENT ON COLUMN report.agent_campaign_day.interface IS 'Interface of the queue member';
COMMENT ON COLUMN report.agent_campaign_day.day IS 'Day, in the campaign''s time zone';
COMMENT ON COLUMN report.agent_campaign_day.time_zone IS 'Time zone in which the campaign counts days (its setting time_zone)';
COMMENT ON COLUMN report.agent_campaign_day.day_start IS 'Midnight at which the day begins, inclusive';
COMMENT ON COLUMN report.agent_campaign_day.day_end IS 'Midnight at which the day ends, exclusive';
COMMENT ON COLUMN report.agent_campaign_day.calls IS 'Calls of the campaign in which the agent talked; a call handed on counts with each agent';
COMMENT ON COLUMN report.agent_campaign_day.talk_seconds IS
    'Talk in these calls without hold, in seconds; one that goes on counts until now';
COMMENT ON COLUMN report.agent_campaign_day.hold_seconds IS 'Hold in these calls, in seconds';
COMMENT ON COLUMN report.agent_campaign_day.wrap_up_seconds IS
    'Wrap-up after these calls, as set for the member, in seconds; 0 for a call of which no interaction is known';
COMMENT ON COLUMN report.agent_campaign_day.average_handle_seconds IS '(talk + hold + wrap-up) / calls, in seconds';
COMMENT ON COLUMN report.agent_campaign_day.logged_in_seconds IS 'Seconds of the day in any state but logged out, for whatever queue';
COMMENT ON COLUMN report.agent_campaign_day.unpaused_seconds IS
    'Of these, neither paused nor with an unreachable phone. Emails and other calls are in it';
COMMENT ON COLUMN report.agent_campaign_day.free_seconds IS
    'Seconds idle or ringing while the campaign dialled: in the twelfths of each hour (5 minutes from :00, :05 …) in which it claimed leads. Of an agent who serves several campaigns it is in each of them';
COMMENT ON COLUMN report.agent_campaign_day.utilisation_rate IS
    '(talk + hold + wrap-up of the campaign''s calls) / unpaused_seconds: of the whole day, also when the campaign dialled for part of it';
COMMENT ON COLUMN report.agent_campaign_day.occupancy_rate IS
    '(talk + hold + wrap-up) / (talk + hold + wrap-up + free_seconds): of the time that the campaign had the agent';
