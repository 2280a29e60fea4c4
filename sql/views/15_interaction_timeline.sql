-- report.interaction_timeline: what the customer was doing, from the begin of an interaction to its
-- end, as intervals that follow each other without gap or overlap; after it the agents' wrap-up.
--
-- How. Each visit, offer, segment and hold is a span with a rank. Their begins and ends cut the
-- interaction into pieces; of the spans that cover a piece the one with the lowest rank names it,
-- and neighbours that are equal become one row. So no second can count twice, whatever overlaps:
--
--   1 talking    connected to an agent who has not put the customer on hold
--   2 hold       every agent of the moment has
--   3 ringing    an agent's phone rings, for a queue or without one
--   4 waiting    in a queue, and nobody's phone rings
--   5 ringing    an outside number that an agent dialled, until the first talk
--   6 dialplan   none of these: menus, announcements, between queues, a talk that is no agent's
--
-- Of two talks at once the later one names the agent, of two phones the one that rang first.
--
-- Wrap-up is not the customer's time. What of it lies before the end of the interaction (the first
-- agent's, while the second one talks) is left out here and stands in the segment; what lies after
-- the end follows as rows with the state wrap_up, those of several agents together counting once.
CREATE OR REPLACE VIEW report.interaction_timeline AS
SELECT
    i.id AS interaction_id,
    i.started_at AS interaction_started_at,
    n.name AS node,
    line.ordinal,
    line.state,
    line.since AS started_at,
    CASE WHEN NOT line.goes_on THEN line.until END AS ended_at,
    -- Not report.seconds, which rounds: the sums must be exact.
    extract(epoch FROM line.until - line.since) AS seconds,
    q.name AS queue,
    coalesce(nullif(a.name, ''), a.interface) AS agent
FROM ccm.interaction i
JOIN ccm.node n ON n.id = i.node_id
CROSS JOIN LATERAL (
    WITH whole AS (
        SELECT i.started_at AS since, greatest(coalesce(i.ended_at, report.now()), i.started_at) AS until
    ), talk AS (
        SELECT
            s.ordinal,
            s.agent_id,
            (SELECT v.queue_id FROM ccm.queue_visit v
             WHERE v.interaction_id = i.id AND v.ordinal = s.visit) AS queue_id,
            s.ended_at IS NULL AS goes_on,
            s.answered_at AS since,
            greatest(coalesce(s.ended_at, whole.until), s.answered_at) AS until,
            s.wrap_up_seconds
        FROM ccm.segment s, whole
        WHERE s.interaction_id = i.id
    ), history AS (
        -- The second part of the key is the segment's ordinal (calls/call.py: hold, unhold).
        SELECT split_part(e.key, ':', 2) AS segment, e.kind, e.at, e.data
        FROM ccm.interaction_event e
        WHERE e.interaction_id = i.id AND e.kind IN ('hold', 'unhold')
    ), hold AS (
        -- An end tells for how long it was. A begin whose end was not seen counts while the talk goes on.
        SELECT
            h.segment,
            tstzrange(h.at - make_interval(secs => (h.data ->> 'seconds')::double precision), h.at) AS span
        FROM history h
        WHERE h.kind = 'unhold'
        UNION ALL
        SELECT h.segment, tstzrange(h.at, greatest(talk.until, h.at))
        FROM history h
        JOIN talk ON talk.ordinal::text = h.segment AND talk.goes_on
        WHERE h.kind = 'hold' AND NOT EXISTS (
            SELECT FROM history later
            WHERE later.segment = h.segment AND later.kind = 'unhold' AND later.at >= h.at)
    ), span AS (
        SELECT 1 AS rank, -talk.ordinal AS tie, 'talking' AS state, talk.queue_id, talk.agent_id,
            lower(part) AS since, upper(part) AS until
        FROM talk
        CROSS JOIN LATERAL unnest(
            tstzmultirange(tstzrange(talk.since, talk.until))
            - coalesce((SELECT range_agg(hold.span) FROM hold WHERE hold.segment = talk.ordinal::text),
                '{}'::tstzmultirange)) part
        UNION ALL
        SELECT 2, -talk.ordinal, 'hold', talk.queue_id, talk.agent_id, talk.since, talk.until
        FROM talk
        UNION ALL
        SELECT 3, o.ordinal, 'ringing', v.queue_id, o.agent_id, o.offered_at,
            coalesce(o.ended_at, whole.until)
        FROM ccm.offer o
        CROSS JOIN whole
        LEFT JOIN ccm.queue_visit v ON v.interaction_id = i.id AND v.ordinal = o.visit
        WHERE o.interaction_id = i.id
        UNION ALL
        SELECT 4, -v.ordinal, 'waiting', v.queue_id, NULL, v.joined_at, coalesce(v.left_at, whole.until)
        FROM ccm.queue_visit v, whole
        WHERE v.interaction_id = i.id
        UNION ALL
        SELECT 5, 0, 'ringing', NULL, NULL, whole.since,
            coalesce(
                CASE
                    -- A campaign's party answers before anybody talks to it.
                    WHEN ccm.attempt_of(i.linkedid) IS NOT NULL THEN coalesce(
                        (SELECT a.answered_at FROM ccm.attempt a WHERE a.id = ccm.attempt_of(i.linkedid)),
                        (SELECT min(v.joined_at) FROM ccm.queue_visit v WHERE v.interaction_id = i.id))
                    ELSE (SELECT min(talk.since) FROM talk)
                END,
                whole.until)
        FROM whole
        WHERE i.direction = 'outbound'
        UNION ALL
        SELECT 6, 0, 'dialplan', NULL, NULL, whole.since, whole.until
        FROM whole
    ), within AS (
        SELECT span.rank, span.tie, span.state, span.queue_id, span.agent_id,
            greatest(span.since, whole.since) AS since, least(span.until, whole.until) AS until
        FROM span, whole
        UNION ALL
        SELECT 7, -talk.ordinal, 'wrap_up', talk.queue_id, talk.agent_id, whole.until,
            least(least(talk.until, whole.until) + make_interval(secs => talk.wrap_up_seconds), report.now())
        FROM talk, whole
        WHERE i.ended_at IS NOT NULL
    ), cut AS (
        SELECT within.since AS at FROM within WHERE within.since < within.until
        UNION
        SELECT within.until FROM within WHERE within.since < within.until
    ), piece AS (
        SELECT cut.at AS since, lead(cut.at) OVER (ORDER BY cut.at) AS until
        FROM cut
    ), named AS (
        SELECT piece.since, piece.until, best.state, best.queue_id, best.agent_id
        FROM piece
        CROSS JOIN LATERAL (
            SELECT within.state, within.queue_id, within.agent_id
            FROM within
            WHERE within.since <= piece.since AND within.until >= piece.until
            ORDER BY within.rank, within.tie
            LIMIT 1
        ) best
    ), run AS (
        SELECT named.*, count(*) FILTER (WHERE named.begins) OVER (ORDER BY named.since) AS ordinal
        FROM (
            SELECT named.*,
                (named.state, named.queue_id, named.agent_id) IS DISTINCT FROM
                (lag(named.state) OVER w, lag(named.queue_id) OVER w, lag(named.agent_id) OVER w) AS begins
            FROM named
            WINDOW w AS (ORDER BY named.since)
        ) named
    )
    SELECT
        run.ordinal, run.state, run.queue_id, run.agent_id,
        min(run.since) AS since,
        max(run.until) AS until,
        i.ended_at IS NULL AND max(run.until) = (SELECT whole.until FROM whole) AS goes_on
    FROM run
    GROUP BY run.ordinal, run.state, run.queue_id, run.agent_id
) line
LEFT JOIN ccm.queue q ON q.id = line.queue_id
LEFT JOIN ccm.agent a ON a.id = line.agent_id;

COMMENT ON VIEW report.interaction_timeline IS
    'One row for each interval of an interaction in which the customer was in one state: without gaps or overlaps from its begin to its end, so that the seconds without wrap_up add up to ended - started. After the end, the wrap-up. Filter by interaction_id or interaction_started_at.';
COMMENT ON COLUMN report.interaction_timeline.interaction_id IS 'The interaction';
COMMENT ON COLUMN report.interaction_timeline.interaction_started_at IS
    'When the interaction began; has an index';
COMMENT ON COLUMN report.interaction_timeline.node IS 'Name of the Asterisk it came in on';
COMMENT ON COLUMN report.interaction_timeline.ordinal IS 'First, second, … interval of the interaction, from 1';
COMMENT ON COLUMN report.interaction_timeline.state IS
    'waiting (in a queue, nobody''s phone rings), ringing (an agent''s phone, or the outside number that an agent dialled), talking, hold (every agent of the moment put the customer on hold), dialplan (none of these: menus, announcements, between queues), wrap_up (after the end: the agents'' time and not the customer''s). Of several at once talking counts before hold, ringing, waiting';
COMMENT ON COLUMN report.interaction_timeline.started_at IS 'Begin of the interval';
COMMENT ON COLUMN report.interaction_timeline.ended_at IS 'End of the interval; null while it lasts';
COMMENT ON COLUMN report.interaction_timeline.seconds IS
    'ended - started, in seconds, not rounded; an interval that goes on counts until now. Wrap-up as set for the member, without what lay before the end of the interaction';
COMMENT ON COLUMN report.interaction_timeline.queue IS
    'Queue that it waited in or that rang the agent, or through which it came to the agent; null where there was none';
COMMENT ON COLUMN report.interaction_timeline.agent IS
    'Agent who talked, held or wraps up, or whose phone rang: of several talks the later one, of several phones the first. The interface where there is no name';
