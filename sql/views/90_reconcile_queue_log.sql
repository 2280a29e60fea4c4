-- report.queue_log_stay, report.reconcile_queue_log and report.queue_log_difference: our visits beside
-- Asterisk's own log.
--
-- queue_log knows neither interactions nor visits. A stay begins with an ENTERQUEUE row and goes on,
-- for the same call and queue, up to the next one. A talk is that with the member whom the queue
-- connected; what came after a transfer, queue_log does not tell.
--
-- When an agent transfers a customer to the place where the agent's own second call waits, Asterisk
-- goes on under the customer's channel: ENTERQUEUE stands under one unique id, CONNECT or ABANDON
-- under another. So rows are counted, and not stays, each thing on the day on which it happened. With
-- us the place that was handed over is a visit that ended as "moved", and is not counted.
--
-- Emails are left out on both sides: with us one waits as long as it has to, in queue_log its
-- placeholders come and go (ccm.work_placement has those).
--
-- Compared is only what happened after the first row that was read: before it nothing can agree.
CREATE OR REPLACE VIEW report.queue_log_stay AS
SELECT
    n.name AS node,
    e.at AS started_at,
    e.queue,
    e.call,
    coalesce(e.data[2], '') AS caller,
    t.agent,
    t.answered_at,
    t.outcome,
    t.ended_by,
    t.talk_seconds,
    t.ring_no_answers
FROM ccm.queue_log_row e
JOIN ccm.node n ON n.id = e.node_id
CROSS JOIN LATERAL (
    SELECT
        (array_agg(r.agent ORDER BY r.sequence) FILTER (WHERE r.event = 'CONNECT'))[1] AS agent,
        min(r.at) FILTER (WHERE r.event = 'CONNECT') AS answered_at,
        (array_agg(k.outcome ORDER BY r.sequence) FILTER (WHERE k.outcome IS NOT NULL))[1] AS outcome,
        (array_agg(k.ended_by ORDER BY r.sequence) FILTER (WHERE k.ended_by IS NOT NULL))[1] AS ended_by,
        -- In all rows that end a talk, the talk time is the last field but one.
        (array_agg(CASE WHEN r.data[cardinality(r.data) - 1] ~ '^[0-9]{1,9}$'
                THEN r.data[cardinality(r.data) - 1]::numeric END ORDER BY r.sequence)
            FILTER (WHERE k.ended_by IS NOT NULL))[1] AS talk_seconds,
        count(*) FILTER (WHERE r.event = 'RINGNOANSWER') AS ring_no_answers
    FROM ccm.queue_log_row r
    CROSS JOIN LATERAL (
        SELECT
            CASE r.event
                WHEN 'CONNECT' THEN 'answered'
                WHEN 'ABANDON' THEN 'abandoned'
                WHEN 'EXITWITHTIMEOUT' THEN 'timed_out'
                WHEN 'EXITWITHKEY' THEN 'left_by_key'
                WHEN 'EXITEMPTY' THEN 'no_agents'
                WHEN 'WITHDRAW' THEN 'withdrawn'
            END AS outcome,
            CASE r.event
                WHEN 'COMPLETECALLER' THEN 'caller'
                WHEN 'COMPLETEAGENT' THEN 'agent'
                WHEN 'BLINDTRANSFER' THEN 'transfer'
                WHEN 'ATTENDEDTRANSFER' THEN 'transfer'
                WHEN 'TRANSFER' THEN 'transfer'
            END AS ended_by
    ) k
    WHERE r.node_id = e.node_id AND r.call = e.call AND r.queue = e.queue
        AND r.sequence > e.sequence
        -- The times only pick the partition.
        AND r.at BETWEEN e.at - interval '1 minute' AND e.at + interval '2 days'
        AND NOT EXISTS (
            SELECT FROM ccm.queue_log_row later
            WHERE later.node_id = e.node_id AND later.call = e.call AND later.queue = e.queue
                AND later.event = 'ENTERQUEUE'
                AND later.sequence > e.sequence AND later.sequence < r.sequence
                AND later.at BETWEEN e.at - interval '1 minute' AND e.at + interval '2 days')
) t
WHERE e.event = 'ENTERQUEUE' AND e.call NOT LIKE 'ccmwk-%';

COMMENT ON VIEW report.queue_log_stay IS
    'One row for each stay of a call in a queue, as Asterisk''s queue_log tells it. Filter by started_at';
COMMENT ON COLUMN report.queue_log_stay.node IS 'Name of the Asterisk';
COMMENT ON COLUMN report.queue_log_stay.started_at IS 'When the call joined the queue; all times are in whole seconds';
COMMENT ON COLUMN report.queue_log_stay.queue IS 'Name of the queue';
COMMENT ON COLUMN report.queue_log_stay.call IS 'Asterisk''s unique id of the channel that joined';
COMMENT ON COLUMN report.queue_log_stay.caller IS 'Caller''s number as Asterisk had it';
COMMENT ON COLUMN report.queue_log_stay.agent IS 'Name of the member who answered; null when none did';
COMMENT ON COLUMN report.queue_log_stay.answered_at IS 'When the member answered';
COMMENT ON COLUMN report.queue_log_stay.outcome IS
    'answered, abandoned, timed_out, left_by_key, no_agents or withdrawn; null when no row tells';
COMMENT ON COLUMN report.queue_log_stay.ended_by IS
    'caller, agent or transfer; Asterisk tells agent for some attended transfers; null when no row tells';
COMMENT ON COLUMN report.queue_log_stay.talk_seconds IS 'Talk time as Asterisk counted it, hold included';
COMMENT ON COLUMN report.queue_log_stay.ring_no_answers IS 'RINGNOANSWER rows';

CREATE OR REPLACE VIEW report.reconcile_queue_log AS
SELECT
    n.name AS node,
    c.queue,
    d.midnight::date AS day,
    c.offered,
    c.queue_log_offered,
    c.answered,
    c.queue_log_answered,
    c.abandoned,
    c.queue_log_abandoned,
    c.timed_out,
    c.queue_log_timed_out,
    c.left_by_key,
    c.queue_log_left_by_key,
    c.ring_no_answers,
    c.queue_log_ring_no_answers,
    c.talk_seconds,
    c.queue_log_talk_seconds,
    c.talk_seconds - c.queue_log_talk_seconds AS talk_difference_seconds,
    abs(c.offered - c.queue_log_offered)
        + abs(c.answered - c.queue_log_answered)
        + abs(c.abandoned - c.queue_log_abandoned)
        + abs(c.timed_out - c.queue_log_timed_out)
        + abs(c.left_by_key - c.queue_log_left_by_key)
        + abs(c.ring_no_answers - c.queue_log_ring_no_answers)
        + CASE
            WHEN abs(c.talk_seconds - c.queue_log_talk_seconds) > c.queue_log_talks THEN 1
            ELSE 0
        END AS differences
FROM ccm.node n
CROSS JOIN LATERAL (
    SELECT min(at) AS at FROM ccm.queue_log_row WHERE node_id = n.id
) f
CROSS JOIN LATERAL generate_series(
    (f.at AT TIME ZONE current_setting('TimeZone'))::date - interval '1 day',
    (report.now() AT TIME ZONE current_setting('TimeZone'))::date,
    interval '1 day') AS d (midnight)
CROSS JOIN LATERAL (
    SELECT
        greatest(d.midnight AT TIME ZONE current_setting('TimeZone'), f.at) AS day_start,
        (d.midnight + interval '1 day') AT TIME ZONE current_setting('TimeZone') AS day_end
) b
CROSS JOIN LATERAL (
    SELECT
        coalesce(o.queue, l.queue) AS queue,
        coalesce(o.offered, 0) AS offered,
        coalesce(l.offered, 0) AS queue_log_offered,
        coalesce(o.answered, 0) AS answered,
        coalesce(l.answered, 0) AS queue_log_answered,
        coalesce(o.abandoned, 0) AS abandoned,
        coalesce(l.abandoned, 0) AS queue_log_abandoned,
        coalesce(o.timed_out, 0) AS timed_out,
        coalesce(l.timed_out, 0) AS queue_log_timed_out,
        coalesce(o.left_by_key, 0) AS left_by_key,
        coalesce(l.left_by_key, 0) AS queue_log_left_by_key,
        coalesce(o.ring_no_answers, 0) AS ring_no_answers,
        coalesce(l.ring_no_answers, 0) AS queue_log_ring_no_answers,
        coalesce(o.talk, 0) AS talk_seconds,
        coalesce(l.talk, 0) AS queue_log_talk_seconds,
        coalesce(l.talks, 0) AS queue_log_talks
    FROM (
        SELECT
            q.name AS queue,
            count(*) FILTER (WHERE v.joined_at >= b.day_start) AS offered,
            count(*) FILTER (WHERE v.outcome = 'answered' AND e.today) AS answered,
            count(*) FILTER (WHERE v.outcome = 'abandoned' AND e.today) AS abandoned,
            count(*) FILTER (WHERE v.outcome = 'timed_out' AND e.today) AS timed_out,
            count(*) FILTER (WHERE v.outcome = 'left_by_key' AND e.today) AS left_by_key,
            sum(r.number)::bigint AS ring_no_answers,
            sum(s.talk) AS talk
        FROM ccm.queue_visit v
        JOIN ccm.queue q ON q.id = v.queue_id
        CROSS JOIN LATERAL (
            SELECT coalesce(v.answered_at, v.left_at) >= b.day_start
                AND coalesce(v.answered_at, v.left_at) < b.day_end AS today
        ) e
        CROSS JOIN LATERAL (
            SELECT count(*) AS number
            FROM ccm.offer
            WHERE offer.interaction_id = v.interaction_id AND offer.visit = v.ordinal
                AND offer.outcome = 'ring_no_answer'
                AND offer.ended_at >= b.day_start AND offer.ended_at < b.day_end
        ) r
        LEFT JOIN LATERAL (
            SELECT report.seconds(first.answered_at, first.ended_at) AS talk
            FROM (
                SELECT segment.answered_at, segment.ended_at
                FROM ccm.segment
                WHERE segment.interaction_id = v.interaction_id AND segment.visit = v.ordinal
                    -- Asterisk counts the time in which the agent waits for the customer, we don't.
                    AND NOT EXISTS (
                        SELECT FROM ccm.interaction i
                        WHERE i.id = v.interaction_id AND i.channel = 'callback')
                ORDER BY segment.ordinal
                LIMIT 1
            ) first
            WHERE first.ended_at >= b.day_start AND first.ended_at < b.day_end
        ) s ON true
        WHERE q.node_id = n.id AND v.outcome IS DISTINCT FROM 'moved'
            -- Not those of emails (ccm.work_version); a look at the interaction would read all of them.
            AND v.version < 4611686018427387904
            -- What ends on this day may have begun on the day before.
            AND v.joined_at >= b.day_start - interval '1 day' AND v.joined_at < b.day_end
        GROUP BY q.name
    ) o
    FULL JOIN (
        SELECT
            r.queue,
            count(*) FILTER (WHERE r.event = 'ENTERQUEUE') AS offered,
            count(*) FILTER (WHERE r.event = 'CONNECT') AS answered,
            count(*) FILTER (WHERE r.event = 'ABANDON') AS abandoned,
            count(*) FILTER (WHERE r.event = 'EXITWITHTIMEOUT') AS timed_out,
            count(*) FILTER (WHERE r.event = 'EXITWITHKEY') AS left_by_key,
            count(*) FILTER (WHERE r.event = 'RINGNOANSWER') AS ring_no_answers,
            count(*) FILTER (WHERE t.talk IS NOT NULL) AS talks,
            sum(t.talk) AS talk
        FROM ccm.queue_log_row r
        CROSS JOIN LATERAL (
            -- In all rows that end a talk, the talk time is the last field but one.
            SELECT CASE
                WHEN r.event IN ('COMPLETECALLER', 'COMPLETEAGENT', 'BLINDTRANSFER',
                                 'ATTENDEDTRANSFER', 'TRANSFER')
                    AND r.call NOT LIKE 'ccmcb-%'
                    AND r.data[cardinality(r.data) - 1] ~ '^[0-9]{1,9}$'
                THEN r.data[cardinality(r.data) - 1]::numeric
            END AS talk
        ) t
        WHERE r.node_id = n.id AND r.at >= b.day_start AND r.at < b.day_end
            AND r.queue <> 'NONE' AND r.call NOT LIKE 'ccmwk-%'
        GROUP BY r.queue
    ) l ON l.queue = o.queue
) c
WHERE b.day_start < b.day_end
    AND c.offered + c.queue_log_offered + c.answered + c.queue_log_answered + c.abandoned
        + c.queue_log_abandoned + c.timed_out + c.queue_log_timed_out + c.left_by_key
        + c.queue_log_left_by_key + c.ring_no_answers + c.queue_log_ring_no_answers
        + c.queue_log_talks > 0;

COMMENT ON VIEW report.reconcile_queue_log IS
    'One row for each node, queue and day of the session''s time zone: our counts beside those of Asterisk''s queue_log';
COMMENT ON COLUMN report.reconcile_queue_log.node IS 'Name of the Asterisk';
COMMENT ON COLUMN report.reconcile_queue_log.queue IS 'Name of the queue';
COMMENT ON COLUMN report.reconcile_queue_log.day IS 'Day on which it happened: joining, answering, leaving, ringing out, the end of a talk';
COMMENT ON COLUMN report.reconcile_queue_log.offered IS 'Visits that we have; without those whose place was handed over by a transfer';
COMMENT ON COLUMN report.reconcile_queue_log.queue_log_offered IS 'ENTERQUEUE rows';
COMMENT ON COLUMN report.reconcile_queue_log.answered IS 'Our visits that an agent answered';
COMMENT ON COLUMN report.reconcile_queue_log.queue_log_answered IS 'CONNECT rows';
COMMENT ON COLUMN report.reconcile_queue_log.abandoned IS 'Our visits in which the caller gave up';
COMMENT ON COLUMN report.reconcile_queue_log.queue_log_abandoned IS 'ABANDON rows';
COMMENT ON COLUMN report.reconcile_queue_log.timed_out IS 'Our visits that the queue ended in time';
COMMENT ON COLUMN report.reconcile_queue_log.queue_log_timed_out IS 'EXITWITHTIMEOUT rows';
COMMENT ON COLUMN report.reconcile_queue_log.left_by_key IS 'Our visits that the caller left by key';
COMMENT ON COLUMN report.reconcile_queue_log.queue_log_left_by_key IS 'EXITWITHKEY rows';
COMMENT ON COLUMN report.reconcile_queue_log.ring_no_answers IS 'Our offers that an agent let ring out or refused';
COMMENT ON COLUMN report.reconcile_queue_log.queue_log_ring_no_answers IS 'RINGNOANSWER rows';
COMMENT ON COLUMN report.reconcile_queue_log.talk_seconds IS
    'Sum over our answered visits of the talk with the agent whom the queue connected, hold included';
COMMENT ON COLUMN report.reconcile_queue_log.queue_log_talk_seconds IS
    'Sum of the talk times of COMPLETECALLER, COMPLETEAGENT and the transfer rows, in whole seconds each';
COMMENT ON COLUMN report.reconcile_queue_log.talk_difference_seconds IS
    'talk_seconds - queue_log_talk_seconds; up to a second for each answered one comes from rounding';
COMMENT ON COLUMN report.reconcile_queue_log.differences IS
    'Sum of what the counts differ by, and 1 more when the talk differs by more than rounding can; 0 when all agrees';

CREATE OR REPLACE VIEW report.queue_log_difference AS
SELECT d.node, d.started_at, d.queue, d.call, d.interaction_id, d.what, d.ours, d.queue_log
FROM (
    -- What queue_log has, and what we have of it.
    SELECT t.node, t.started_at, t.queue, t.call, v.interaction_id, w.what, w.ours, w.queue_log
    FROM report.queue_log_stay t
    LEFT JOIN LATERAL (
        -- The visit of that call; else, when a transfer brought the call to the place of another
        -- channel, the visit that began then and has no row of its own.
        SELECT v.interaction_id, v.ordinal, v.outcome, o.ring_no_answers
        FROM ccm.node n
        JOIN ccm.queue q ON q.node_id = n.id AND q.name = t.queue
        JOIN ccm.queue_visit v ON v.queue_id = q.id
            AND v.joined_at BETWEEN t.started_at - interval '2 seconds'
                AND t.started_at + interval '3 seconds'
        JOIN ccm.interaction i ON i.id = v.interaction_id
        CROSS JOIN LATERAL (
            SELECT count(*) AS ring_no_answers
            FROM ccm.offer
            WHERE offer.interaction_id = v.interaction_id AND offer.visit = v.ordinal
                AND offer.outcome = 'ring_no_answer'
        ) o
        WHERE n.name = t.node
            AND (i.uniqueid = t.call OR NOT EXISTS (
                SELECT FROM ccm.queue_log_row own
                WHERE own.node_id = n.id AND own.call = i.uniqueid AND own.queue = t.queue
                    AND own.event = 'ENTERQUEUE'
                    AND own.at BETWEEN v.joined_at - interval '3 seconds'
                        AND v.joined_at + interval '2 seconds'))
        ORDER BY i.uniqueid = t.call DESC, abs(extract(epoch FROM v.joined_at - t.started_at))
        LIMIT 1
    ) v ON true
    LEFT JOIN LATERAL (
        SELECT
            coalesce(nullif(a.name, ''), a.interface) AS agent,
            report.seconds(s.answered_at, s.ended_at) AS talk
        FROM ccm.segment s
        JOIN ccm.agent a ON a.id = s.agent_id
        WHERE s.interaction_id = v.interaction_id AND s.visit = v.ordinal
        ORDER BY s.ordinal
        LIMIT 1
    ) s ON true
    CROSS JOIN LATERAL (
        VALUES
            ('visit', CASE WHEN v.interaction_id IS NULL THEN 'none' ELSE 'there' END, 'there'),
            ('outcome', v.outcome, coalesce(t.outcome, 'lost')),
            ('agent', s.agent, t.agent),
            ('ring_no_answers', v.ring_no_answers::text, t.ring_no_answers::text),
            ('talk_seconds', s.talk::text, t.talk_seconds::text)
    ) AS w (what, ours, queue_log)
    WHERE CASE
            WHEN w.what = 'visit' THEN v.interaction_id IS NULL
            WHEN v.interaction_id IS NULL THEN false
            -- It goes on under the channel of the customer who was brought to this place.
            WHEN v.outcome = 'moved' THEN false
            -- Where no row tells the end of the talk, there is nothing to compare.
            -- In a callback the agent may have been there without the customer.
            WHEN w.what IN ('agent', 'talk_seconds') AND t.call LIKE 'ccmcb-%' THEN false
            WHEN w.what = 'talk_seconds' THEN abs(s.talk - t.talk_seconds) > 1.5
            ELSE w.ours IS DISTINCT FROM w.queue_log
        END
    UNION ALL
    -- What we have, and queue_log does not.
    SELECT n.name, v.joined_at, q.name, i.uniqueid, v.interaction_id, 'visit', 'there', 'none'
    FROM ccm.queue_visit v
    JOIN ccm.queue q ON q.id = v.queue_id
    JOIN ccm.node n ON n.id = q.node_id
    JOIN ccm.interaction i ON i.id = v.interaction_id AND i.channel <> 'email'
    WHERE v.joined_at >= (SELECT min(at) FROM ccm.queue_log_row WHERE node_id = n.id)
        -- The place of a channel that was there before: see above. Scalar subqueries are run for each
        -- row, by index; NOT EXISTS would be made a join that reads all of the table.
        AND 0 = (
            SELECT count(*) FROM ccm.queue_visit moved
            WHERE moved.queue_id = v.queue_id AND moved.outcome = 'moved'
                AND moved.joined_at BETWEEN v.joined_at - interval '1 day' AND v.joined_at
                AND moved.left_at BETWEEN v.joined_at - interval '2 seconds'
                    AND v.joined_at + interval '2 seconds')
        AND 0 = (
            SELECT count(*) FROM ccm.queue_log_row e
            WHERE e.node_id = n.id AND e.event = 'ENTERQUEUE' AND e.queue = q.name
                AND e.at BETWEEN v.joined_at - interval '3 seconds' AND v.joined_at + interval '2 seconds'
                AND (e.call = i.uniqueid
                    OR NOT EXISTS (SELECT FROM ccm.interaction own WHERE own.uniqueid = e.call)))
) d;

COMMENT ON VIEW report.queue_log_difference IS
    'One row for each thing in which a call is not stored as Asterisk''s queue_log has it. Filter by started_at';
COMMENT ON COLUMN report.queue_log_difference.node IS 'Name of the Asterisk';
COMMENT ON COLUMN report.queue_log_difference.started_at IS 'When the call joined the queue';
COMMENT ON COLUMN report.queue_log_difference.queue IS 'Name of the queue';
COMMENT ON COLUMN report.queue_log_difference.call IS 'Asterisk''s unique id of the channel that joined';
COMMENT ON COLUMN report.queue_log_difference.interaction_id IS 'The interaction; null when there is none';
COMMENT ON COLUMN report.queue_log_difference.what IS
    'What differs: visit (only one side has it), outcome, agent, ring_no_answers, talk_seconds (by more than 1.5)';
COMMENT ON COLUMN report.queue_log_difference.ours IS 'What we have';
COMMENT ON COLUMN report.queue_log_difference.queue_log IS 'What queue_log has';
