-- report.queue_interval: what each queue did in each quarter of an hour; calls that came in or were
-- dialled by hand, calls that campaigns dialled, and emails apart.
--
-- Everything is counted in the interval in which the visit began (joined_at), also what happened to it
-- later, so that the ratios compare the same interactions above and below the line.
--
-- The LATERAL parts look up the segments and offers of one visit by the interaction's id, which also
-- picks the partition. So a condition on interval_start, which the index queue_visit_interval answers,
-- reads the rows of those visits only; a join would read the whole of both tables for one day.
CREATE OR REPLACE VIEW report.queue_interval AS
WITH visit AS (
    SELECT
        v.queue_id,
        -- The version of emails is ccm.work_version; a look at the interaction would read all of them.
        CASE
            WHEN v.version >= 4611686018427387904 THEN 'email'
            WHEN c.attempt IS NOT NULL THEN 'campaign'
            ELSE 'voice'
        END AS channel,
        date_bin('15 minutes', v.joined_at, timestamptz '2000-01-01 00:00+00') AS interval_start,
        CASE
            WHEN v.answered_at IS NOT NULL THEN 'answered'
            -- Asterisk says so of each call that leaves without an agent; but the party did not give up.
            WHEN v.outcome = 'abandoned' AND c.dropped THEN 'timed_out'
            ELSE coalesce(v.outcome, 'waiting')
        END AS outcome,
        report.seconds(v.joined_at, coalesce(v.answered_at, v.left_at, report.now())) AS wait,
        v.inferred,
        s.handled,
        s.transferred,
        s.talk,
        s.hold,
        s.wrap_up,
        o.offers,
        o.answered AS offers_answered,
        o.ring_no_answers
    FROM ccm.queue_visit v
    CROSS JOIN LATERAL (
        SELECT
            coalesce(bool_and(segment.ended_at IS NOT NULL), false) AS handled,
            bool_or(segment.ended_by = 'transfer') AS transferred,
            sum(greatest(report.seconds(segment.answered_at, segment.ended_at)
                - round(segment.hold_seconds::numeric, 3), 0)) AS talk,
            sum(round(segment.hold_seconds::numeric, 3)) AS hold,
            sum(round(segment.wrap_up_seconds::numeric, 3)) AS wrap_up
        FROM ccm.segment
        WHERE segment.interaction_id = v.interaction_id AND segment.visit = v.ordinal
    ) s
    CROSS JOIN LATERAL (
        SELECT
            count(offer.outcome) AS offers,
            count(*) FILTER (WHERE offer.outcome = 'answered') AS answered,
            count(*) FILTER (WHERE offer.outcome = 'ring_no_answer') AS ring_no_answers
        FROM ccm.offer
        WHERE offer.interaction_id = v.interaction_id AND offer.visit = v.ordinal
    ) o
    -- LIMIT makes it a look-up for each visit, as above.
    LEFT JOIN LATERAL (
        SELECT ccm.attempt_of(i.linkedid) AS attempt, a.dropped
        FROM ccm.interaction i
        LEFT JOIN ccm.attempt a ON a.id = ccm.attempt_of(i.linkedid)
        WHERE i.id = v.interaction_id AND ccm.attempt_of(i.linkedid) IS NOT NULL
        LIMIT 1
    ) c ON true
    -- A place that the customer took over from an agent is counted once, as the customer's.
    WHERE v.outcome IS DISTINCT FROM 'moved'
        -- Nobody waits on the line for a callback: its wait is no speed of answer, and a placeholder
        -- that goes away is no caller who gave up. They are in report.callback.
        AND NOT EXISTS (
            SELECT FROM ccm.interaction i WHERE i.id = v.interaction_id AND i.channel = 'callback')
),
counted AS (
    SELECT
        v.interval_start,
        q.node_id,
        q.name,
        v.channel,
        -- What was promised for emails is a time in business hours: see report.email_queue_interval.
        CASE WHEN v.channel <> 'email' THEN q.service_level_seconds END AS service_level_seconds,
        CASE WHEN v.channel <> 'email' THEN 5 END AS short_abandon_seconds,
        count(*) AS offered,
        count(*) FILTER (WHERE v.outcome = 'answered') AS answered,
        count(*) FILTER (WHERE v.outcome = 'abandoned') AS abandoned,
        count(*) FILTER (WHERE v.outcome = 'timed_out') AS timed_out,
        count(*) FILTER (WHERE v.outcome = 'left_by_key') AS left_by_key,
        count(*) FILTER (WHERE v.outcome = 'no_agents') AS no_agents,
        count(*) FILTER (WHERE v.outcome = 'queue_full') AS queue_full,
        count(*) FILTER (WHERE v.outcome = 'lost') AS lost,
        count(*) FILTER (WHERE v.outcome = 'withdrawn') AS withdrawn,
        count(*) FILTER (WHERE v.outcome = 'waiting') AS waiting,
        count(*) FILTER (WHERE v.inferred) AS inferred,
        CASE WHEN v.channel <> 'email' THEN
            count(*) FILTER (WHERE v.outcome = 'answered' AND v.wait <= q.service_level_seconds)
        END AS answered_within,
        CASE WHEN v.channel <> 'email' THEN
            count(*) FILTER (WHERE v.outcome = 'abandoned' AND v.wait <= q.service_level_seconds)
        END AS abandoned_within,
        CASE WHEN v.channel <> 'email' THEN
            count(*) FILTER (WHERE v.outcome = 'abandoned' AND v.wait < 5)
        END AS short_abandons,
        sum(v.wait) FILTER (WHERE v.outcome = 'answered') AS wait_of_answered,
        sum(v.wait) FILTER (WHERE v.outcome = 'abandoned') AS wait_of_abandoned,
        max(v.wait) AS longest_wait,
        count(*) FILTER (WHERE v.handled) AS handled,
        count(*) FILTER (WHERE v.handled AND v.transferred) AS transferred,
        sum(v.talk) FILTER (WHERE v.handled) AS talk,
        sum(v.hold) FILTER (WHERE v.handled) AS hold,
        sum(v.wrap_up) FILTER (WHERE v.handled) AS wrap_up,
        sum(v.offers)::bigint AS offers,
        sum(v.offers_answered)::bigint AS offers_answered,
        sum(v.ring_no_answers)::bigint AS ring_no_answers
    FROM visit v
    JOIN ccm.queue q ON q.id = v.queue_id
    GROUP BY v.interval_start, q.id, v.channel
)
SELECT
    n.name AS node,
    c.name AS queue,
    c.channel,
    c.interval_start,
    c.interval_start + interval '15 minutes' AS interval_end,
    c.service_level_seconds,
    c.short_abandon_seconds,
    c.offered,
    c.answered,
    c.abandoned,
    c.timed_out,
    c.left_by_key,
    c.no_agents,
    c.queue_full,
    c.lost,
    c.no_agents + c.queue_full + c.lost AS other_exits,
    c.withdrawn,
    c.waiting,
    c.inferred,
    c.answered_within,
    c.abandoned_within,
    c.short_abandons,
    report.ratio(c.answered_within, c.answered + c.abandoned)
        AS service_level_of_ended_rate,
    report.ratio(c.answered_within, c.answered + c.abandoned - c.short_abandons)
        AS service_level_without_short_abandons_rate,
    report.ratio(c.answered_within + c.abandoned_within, c.answered + c.abandoned)
        AS service_level_left_within_rate,
    report.ratio(c.answered_within, c.answered)
        AS service_level_of_answered_rate,
    CASE WHEN c.channel <> 'email' THEN report.ratio(c.abandoned, c.offered) END
        AS abandonment_rate,
    report.ratio(c.abandoned - c.short_abandons, c.offered - c.short_abandons)
        AS abandonment_without_short_abandons_rate,
    report.mean(c.wait_of_answered, c.answered) AS average_speed_of_answer_seconds,
    report.mean(c.wait_of_abandoned, c.abandoned) AS average_time_to_abandon_seconds,
    c.longest_wait AS longest_wait_seconds,
    c.handled,
    report.mean(c.talk + c.hold + c.wrap_up, c.handled) AS average_handle_seconds,
    report.mean(c.talk, c.handled) AS average_talk_seconds,
    report.mean(c.hold, c.handled) AS average_hold_seconds,
    report.mean(c.wrap_up, c.handled) AS average_wrap_up_seconds,
    c.transferred,
    report.ratio(c.transferred, c.handled) AS transfer_rate,
    c.offers,
    c.offers_answered,
    c.ring_no_answers,
    report.ratio(c.offers_answered, c.offers) AS agent_answer_rate,
    report.ratio(c.offers_answered, c.offers_answered + c.ring_no_answers)
        AS agent_answer_of_own_offers_rate
FROM counted c
JOIN ccm.node n ON n.id = c.node_id;

COMMENT ON VIEW report.queue_interval IS
    'One row for each queue, channel and quarter of an hour in which somebody joined it, without callbacks (report.callback); intervals in which nobody did do not appear. Everything is counted in the interval of joining. Columns that end in _rate are between 0 and 1 and null when there is nothing to divide by. To sum intervals up, add the counts and divide again: means of rates are wrong. Filter by interval_start, which has an index.';
COMMENT ON COLUMN report.queue_interval.node IS 'Name of the Asterisk';
COMMENT ON COLUMN report.queue_interval.queue IS 'Name of the queue';
COMMENT ON COLUMN report.queue_interval.channel IS
    'voice, campaign (calls that a campaign dialled) or email. An email is answered when an agent takes it; columns about service levels and short abandons are null for emails, see report.email_queue_interval';
COMMENT ON COLUMN report.queue_interval.interval_start IS
    'Begin of the 15 minutes, inclusive: a visit belongs here by joined_at. At :00, :15, :30 and :45 of the hour in UTC, and so in every time zone in use';
COMMENT ON COLUMN report.queue_interval.interval_end IS 'End of the 15 minutes, exclusive';
COMMENT ON COLUMN report.queue_interval.service_level_seconds IS
    'T: the service level threshold of the queue in seconds, as it is set now; null for emails';
COMMENT ON COLUMN report.queue_interval.short_abandon_seconds IS 'S: an abandon with a wait below so many seconds is short';
COMMENT ON COLUMN report.queue_interval.offered IS
    'Visits that began here = answered + abandoned + timed_out + left_by_key + other_exits + withdrawn + waiting';
COMMENT ON COLUMN report.queue_interval.answered IS 'Visits that an agent answered';
COMMENT ON COLUMN report.queue_interval.abandoned IS 'Visits in which the caller hung up while waiting';
COMMENT ON COLUMN report.queue_interval.timed_out IS 'Visits that the queue ended after its longest wait; of a campaign''s calls also those that were dropped, since no agent was there in time';
COMMENT ON COLUMN report.queue_interval.left_by_key IS 'Visits that the caller ended with a key and went on in the dialplan';
COMMENT ON COLUMN report.queue_interval.no_agents IS 'Visits that the queue ended or refused since no agent was there';
COMMENT ON COLUMN report.queue_interval.queue_full IS 'Visits that the queue refused since it was full';
COMMENT ON COLUMN report.queue_interval.lost IS 'Visits whose end was not seen';
COMMENT ON COLUMN report.queue_interval.other_exits IS 'no_agents + queue_full + lost';
COMMENT ON COLUMN report.queue_interval.withdrawn IS
    'Visits that somebody ended from outside: of an email, since it went to another queue, was put off until a time, or was done without being taken; of a call, by QueueWithdrawCaller';
COMMENT ON COLUMN report.queue_interval.waiting IS 'Visits that still wait now';
COMMENT ON COLUMN report.queue_interval.inferred IS 'Visits of which something was concluded and not seen; they are in the other counts too';
COMMENT ON COLUMN report.queue_interval.answered_within IS 'Visits answered after T seconds or less';
COMMENT ON COLUMN report.queue_interval.abandoned_within IS 'Visits abandoned after T seconds or less, short ones too';
COMMENT ON COLUMN report.queue_interval.short_abandons IS 'Visits abandoned after less than S seconds';
COMMENT ON COLUMN report.queue_interval.service_level_of_ended_rate IS
    'answered_within / (answered + abandoned). The default of Genesys';
COMMENT ON COLUMN report.queue_interval.service_level_without_short_abandons_rate IS
    'answered_within / (answered + abandoned - short_abandons)';
COMMENT ON COLUMN report.queue_interval.service_level_left_within_rate IS
    '(answered_within + abandoned_within) / (answered + abandoned). As Amazon Connect has it, and Asterisk as ServicelevelPerf2';
COMMENT ON COLUMN report.queue_interval.service_level_of_answered_rate IS
    'answered_within / answered. As Asterisk has it as ServicelevelPerf';
COMMENT ON COLUMN report.queue_interval.abandonment_rate IS 'abandoned / offered';
COMMENT ON COLUMN report.queue_interval.abandonment_without_short_abandons_rate IS
    '(abandoned - short_abandons) / (offered - short_abandons)';
COMMENT ON COLUMN report.queue_interval.average_speed_of_answer_seconds IS
    'ASA: mean wait of the answered visits only, in seconds; null when none was answered';
COMMENT ON COLUMN report.queue_interval.average_time_to_abandon_seconds IS
    'Mean wait of the abandoned visits, in seconds; null when none was abandoned';
COMMENT ON COLUMN report.queue_interval.longest_wait_seconds IS
    'Longest wait of any visit, however it ended, in seconds; one that still waits counts until now';
COMMENT ON COLUMN report.queue_interval.handled IS
    'Visits that came to at least one segment, and whose segments have all ended';
COMMENT ON COLUMN report.queue_interval.average_handle_seconds IS
    'AHT: sum of talk + hold + wrap-up of the handled visits / handled, in seconds. A visit with two segments counts once, with both';
COMMENT ON COLUMN report.queue_interval.average_talk_seconds IS
    'Sum of ended - answered - hold over the segments of the handled visits / handled, in seconds';
COMMENT ON COLUMN report.queue_interval.average_hold_seconds IS
    'Sum of the time on hold of the handled visits / handled, in seconds';
COMMENT ON COLUMN report.queue_interval.average_wrap_up_seconds IS
    'Sum of the wrap-up time of the handled visits, as set for the members / handled, in seconds';
COMMENT ON COLUMN report.queue_interval.transferred IS 'Handled visits of which a segment ended with a transfer';
COMMENT ON COLUMN report.queue_interval.transfer_rate IS 'transferred / handled';
COMMENT ON COLUMN report.queue_interval.offers IS
    'Times that an agent''s phone rang for these visits and stopped; one that still rings is not in it';
COMMENT ON COLUMN report.queue_interval.offers_answered IS 'Offers that the agent answered';
COMMENT ON COLUMN report.queue_interval.ring_no_answers IS 'Offers that the agent let ring out or refused';
COMMENT ON COLUMN report.queue_interval.agent_answer_rate IS
    'offers_answered / offers. With the strategy ringall an answer is also an offer lost for all others: see agent_answer_of_own_offers_rate';
COMMENT ON COLUMN report.queue_interval.agent_answer_of_own_offers_rate IS
    'offers_answered / (offers_answered + ring_no_answers): without the offers that ended since another agent answered, the caller left or the end was not seen';
