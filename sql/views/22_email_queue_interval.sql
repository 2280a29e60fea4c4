-- report.email_queue_interval: what became of the email of each queue in each quarter of an hour.
--
-- Unlike in report.queue_interval, everything is counted when it happened: an email is often answered on another
-- day than it came. Each part of the UNION has an index on the quarter of an hour, so that a question about one day reads
-- that day; of the backlog, the index on the span of each item finds those that were open at the end.
CREATE OR REPLACE VIEW report.email_queue_interval AS
SELECT
    n.name AS node,
    q.name AS queue,
    k.interval_start,
    k.interval_start + interval '15 minutes' AS interval_end,
    k.received,
    k.held,
    k.opened,
    k.answered,
    k.closed,
    b.backlog,
    coalesce(k.first_responses, 0) AS first_responses,
    coalesce(k.first_responses_with_target, 0) AS first_responses_with_target,
    coalesce(k.first_responses_within_target, 0) AS first_responses_within_target,
    report.ratio(k.first_responses_within_target, k.first_responses_with_target) AS first_responses_within_target_rate,
    report.mean(k.first_response_wall, k.first_responses) AS first_response_average_seconds,
    k.first_response_p90 AS first_response_p90_seconds,
    report.mean(k.first_response_business, k.first_responses) AS first_response_average_business_seconds,
    k.first_response_p90_business AS first_response_p90_business_seconds,
    coalesce(k.next_responses, 0) AS next_responses,
    coalesce(k.next_responses_with_target, 0) AS next_responses_with_target,
    coalesce(k.next_responses_within_target, 0) AS next_responses_within_target,
    report.ratio(k.next_responses_within_target, k.next_responses_with_target) AS next_responses_within_target_rate,
    report.mean(k.next_response_wall, k.next_responses) AS next_response_average_seconds,
    k.next_response_p90 AS next_response_p90_seconds,
    report.mean(k.next_response_business, k.next_responses) AS next_response_average_business_seconds,
    k.next_response_p90_business AS next_response_p90_business_seconds,
    coalesce(k.resolutions, 0) AS resolutions,
    coalesce(k.resolutions_with_target, 0) AS resolutions_with_target,
    coalesce(k.resolutions_within_target, 0) AS resolutions_within_target,
    report.ratio(k.resolutions_within_target, k.resolutions_with_target) AS resolutions_within_target_rate,
    report.mean(k.resolution_wall, k.resolutions) AS resolution_average_seconds,
    k.resolution_p90 AS resolution_p90_seconds,
    report.mean(k.resolution_business, k.resolutions) AS resolution_average_business_seconds,
    k.resolution_p90_business AS resolution_p90_business_seconds
FROM (
    SELECT
        s.queue_id,
        s.interval_start,
        count(*) FILTER (WHERE s.goal = 'received') AS received,
        count(*) FILTER (WHERE s.goal = 'held') AS held,
        count(*) FILTER (WHERE s.goal = 'opened') AS opened,
        count(*) FILTER (WHERE s.goal = 'answered') AS answered,
        count(*) FILTER (WHERE s.goal = 'closed') AS closed,
        count(*) FILTER (WHERE s.goal = 'first_response') AS first_responses,
        count(s.target_seconds) FILTER (WHERE s.goal = 'first_response') AS first_responses_with_target,
        count(*) FILTER (WHERE s.goal = 'first_response' AND s.counted_seconds <= s.target_seconds) AS first_responses_within_target,
        sum(s.seconds) FILTER (WHERE s.goal = 'first_response') AS first_response_wall,
        percentile_disc(0.9) WITHIN GROUP (ORDER BY s.seconds) FILTER (WHERE s.goal = 'first_response') AS first_response_p90,
        sum(s.business_seconds) FILTER (WHERE s.goal = 'first_response') AS first_response_business,
        percentile_disc(0.9) WITHIN GROUP (ORDER BY s.business_seconds) FILTER (WHERE s.goal = 'first_response') AS first_response_p90_business,
        count(*) FILTER (WHERE s.goal = 'next_response') AS next_responses,
        count(s.target_seconds) FILTER (WHERE s.goal = 'next_response') AS next_responses_with_target,
        count(*) FILTER (WHERE s.goal = 'next_response' AND s.counted_seconds <= s.target_seconds) AS next_responses_within_target,
        sum(s.seconds) FILTER (WHERE s.goal = 'next_response') AS next_response_wall,
        percentile_disc(0.9) WITHIN GROUP (ORDER BY s.seconds) FILTER (WHERE s.goal = 'next_response') AS next_response_p90,
        sum(s.business_seconds) FILTER (WHERE s.goal = 'next_response') AS next_response_business,
        percentile_disc(0.9) WITHIN GROUP (ORDER BY s.business_seconds) FILTER (WHERE s.goal = 'next_response') AS next_response_p90_business,
        count(*) FILTER (WHERE s.goal = 'resolution') AS resolutions,
        count(s.target_seconds) FILTER (WHERE s.goal = 'resolution') AS resolutions_with_target,
        count(*) FILTER (WHERE s.goal = 'resolution' AND s.counted_seconds <= s.target_seconds) AS resolutions_within_target,
        sum(s.seconds) FILTER (WHERE s.goal = 'resolution') AS resolution_wall,
        percentile_disc(0.9) WITHIN GROUP (ORDER BY s.seconds) FILTER (WHERE s.goal = 'resolution') AS resolution_p90,
        sum(s.business_seconds) FILTER (WHERE s.goal = 'resolution') AS resolution_business,
        percentile_disc(0.9) WITHIN GROUP (ORDER BY s.business_seconds) FILTER (WHERE s.goal = 'resolution') AS resolution_p90_business
    FROM (
        SELECT
            m.queue_id,
            date_bin('15 minutes', e.at, timestamptz '2000-01-01 00:00+00') AS interval_start,
            'received' AS goal, NULL::bigint AS seconds, NULL::bigint AS business_seconds,
            NULL::bigint AS counted_seconds, NULL::bigint AS target_seconds
        FROM ccm.email e
        JOIN ccm.mailbox m ON m.id = e.mailbox_id
        WHERE e.direction = 'inbound'
        UNION ALL
        SELECT
            m.queue_id,
            date_bin('15 minutes', h.held_at, timestamptz '2000-01-01 00:00+00'),
            'held', NULL, NULL, NULL, NULL
        FROM ccm.email_quarantine h
        JOIN ccm.email_arrival a ON a.id = h.id
        JOIN ccm.mailbox m ON m.id = a.mailbox_id
        UNION ALL
        SELECT
            w.queue_id,
            date_bin('15 minutes', w.opened_at, timestamptz '2000-01-01 00:00+00'),
            'opened', NULL, NULL, NULL, NULL
        FROM ccm.work_item w
        UNION ALL
        SELECT
            w.queue_id,
            date_bin('15 minutes', w.done_at, timestamptz '2000-01-01 00:00+00'),
            CASE w.outcome WHEN 'answered' THEN 'answered' ELSE 'closed' END, NULL, NULL, NULL, NULL
        FROM ccm.work_item w
        WHERE w.done_at IS NOT NULL
        UNION ALL
        SELECT
            c.queue_id,
            date_bin('15 minutes', c.ended_at, timestamptz '2000-01-01 00:00+00'),
            c.goal, c.seconds, c.business_seconds, c.counted_seconds, c.target_seconds
        FROM ccm.service_clock c
        WHERE c.reached
    ) s
    GROUP BY s.queue_id, s.interval_start
) k
JOIN ccm.queue q ON q.id = k.queue_id
JOIN ccm.node n ON n.id = q.node_id
CROSS JOIN LATERAL (
    SELECT count(*) AS backlog
    FROM ccm.work_item w
    WHERE w.queue_id = k.queue_id
        AND tstzrange(w.opened_at, CASE WHEN w.done_at IS NOT NULL THEN greatest(w.done_at, w.opened_at) END)
            @> least(k.interval_start + interval '15 minutes', report.now())
) b;

COMMENT ON VIEW report.email_queue_interval IS
    'One row for each queue and quarter of an hour in which anything happened to its email. Everything is counted when it happened. Columns that end in _rate are between 0 and 1 and null when there is nothing to divide by. To sum intervals up, add the counts and weight the means with them; percentiles can''t be summed up. Filter by interval_start, which has indexes.';
COMMENT ON COLUMN report.email_queue_interval.node IS 'Name of the Asterisk of the queue';
COMMENT ON COLUMN report.email_queue_interval.queue IS
    'Name of the queue: of received and held that of the mailbox, of all others that to which the email belongs now, or did when it was done';
COMMENT ON COLUMN report.email_queue_interval.interval_start IS 'Begin of the 15 minutes, inclusive; as in report.queue_interval';
COMMENT ON COLUMN report.email_queue_interval.interval_end IS 'End of the 15 minutes, exclusive';
COMMENT ON COLUMN report.email_queue_interval.received IS 'Emails that came in and were not held, those of machines too; released ones when they came';
COMMENT ON COLUMN report.email_queue_interval.held IS 'Emails that were put into quarantine, whatever was decided about them since';
COMMENT ON COLUMN report.email_queue_interval.opened IS
    'Work items that began: an email in a conversation that had none. Further emails of a customer who waits belong to the item that there is';
COMMENT ON COLUMN report.email_queue_interval.answered IS 'Work items that were done with an answer to the customer';
COMMENT ON COLUMN report.email_queue_interval.closed IS 'Work items that were done without one';
COMMENT ON COLUMN report.email_queue_interval.backlog IS
    'Work items that were not done at the end of the interval, or are not now, when that has not come: waiting, put off, and in hand';
COMMENT ON COLUMN report.email_queue_interval.first_responses IS 'First answers that agents gave in this interval';
COMMENT ON COLUMN report.email_queue_interval.first_responses_with_target IS 'Those for which the queue had a target';
COMMENT ON COLUMN report.email_queue_interval.first_responses_within_target IS 'Those that were within it';
COMMENT ON COLUMN report.email_queue_interval.first_responses_within_target_rate IS 'first_responses_within_target / first_responses_with_target';
COMMENT ON COLUMN report.email_queue_interval.first_response_average_seconds IS 'Mean of their times from the customers first message to the first answer by a person; on the wall clock';
COMMENT ON COLUMN report.email_queue_interval.first_response_p90_seconds IS 'Nine of ten of them took no longer; on the wall clock';
COMMENT ON COLUMN report.email_queue_interval.first_response_average_business_seconds IS 'The mean, in opening hours';
COMMENT ON COLUMN report.email_queue_interval.first_response_p90_business_seconds IS 'Nine of ten took no longer, in opening hours';
COMMENT ON COLUMN report.email_queue_interval.next_responses IS 'Answers that agents gave in this interval to what customers wrote after an earlier answer';
COMMENT ON COLUMN report.email_queue_interval.next_responses_with_target IS 'Those for which the queue had a target';
COMMENT ON COLUMN report.email_queue_interval.next_responses_within_target IS 'Those that were within it';
COMMENT ON COLUMN report.email_queue_interval.next_responses_within_target_rate IS 'next_responses_within_target / next_responses_with_target';
COMMENT ON COLUMN report.email_queue_interval.next_response_average_seconds IS 'Mean of their times from the customers first message after an answer to the next answer; on the wall clock';
COMMENT ON COLUMN report.email_queue_interval.next_response_p90_seconds IS 'Nine of ten of them took no longer; on the wall clock';
COMMENT ON COLUMN report.email_queue_interval.next_response_average_business_seconds IS 'The mean, in opening hours';
COMMENT ON COLUMN report.email_queue_interval.next_response_p90_business_seconds IS 'Nine of ten took no longer, in opening hours';
COMMENT ON COLUMN report.email_queue_interval.resolutions IS 'Conversations that were closed in this interval, and not opened again since';
COMMENT ON COLUMN report.email_queue_interval.resolutions_with_target IS 'Those for which the queue had a target';
COMMENT ON COLUMN report.email_queue_interval.resolutions_within_target IS 'Those that were within it, without the hours in which the conversation waited for the customer or a time';
COMMENT ON COLUMN report.email_queue_interval.resolutions_within_target_rate IS 'resolutions_within_target / resolutions_with_target';
COMMENT ON COLUMN report.email_queue_interval.resolution_average_seconds IS 'Mean of their times from the first message to the last closing, without what it was closed between; on the wall clock';
COMMENT ON COLUMN report.email_queue_interval.resolution_p90_seconds IS 'Nine of ten of them took no longer; on the wall clock';
COMMENT ON COLUMN report.email_queue_interval.resolution_average_business_seconds IS 'The mean, in opening hours';
COMMENT ON COLUMN report.email_queue_interval.resolution_p90_business_seconds IS 'Nine of ten took no longer, in opening hours';
