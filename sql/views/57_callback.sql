-- report.callback: one row for each callback that was asked for, and how it was kept.
CREATE OR REPLACE VIEW report.callback AS
SELECT
    c.id,
    n.name AS node,
    q.name AS queue,
    c.number,
    c.asked_by,
    c.asked_at,
    c.joined_at,
    nullif(c.position, 0) AS position,
    c.call,
    asking.id AS asking_interaction_id,
    CASE
        WHEN c.state = 'queued' AND live.answered THEN 'talking'
        WHEN c.state = 'queued' AND live.dialled THEN 'calling'
        ELSE c.state
    END AS state,
    c.reason,
    c.attempts,
    CASE WHEN c.state = 'waiting' THEN c.next_attempt_at END AS next_attempt_at,
    d.placed,
    d.first_dialled_at,
    d.answered_at,
    c.done_at,
    last.outcome AS last_outcome,
    report.seconds(c.joined_at, d.answered_at) AS wait_seconds,
    o.overtaken,
    CASE
        WHEN d.first_dialled_at IS NOT NULL THEN o.overtaken = 0
        WHEN c.state IN ('failed', 'expired') THEN false
    END AS kept_on_time
FROM ccm.callback c
JOIN ccm.node n ON n.id = c.node_id
JOIN ccm.queue q ON q.id = c.queue_id
LEFT JOIN LATERAL (
    SELECT i.id FROM ccm.interaction i
    WHERE c.call <> '' AND i.uniqueid = c.call AND i.node_id = c.node_id
    LIMIT 1
) asking ON true
CROSS JOIN LATERAL (
    SELECT
        count(DISTINCT a.attempt) AS placed,
        min(s.at) FILTER (WHERE s.step = 'dial') AS first_dialled_at,
        min(s.at) FILTER (WHERE s.step = 'answered') AS answered_at
    FROM ccm.callback_attempt a
    LEFT JOIN ccm.callback_step s ON s.attempt = a.attempt
    WHERE a.callback_id = c.id
) d
LEFT JOIN LATERAL (
    SELECT a.outcome
    FROM ccm.callback_attempt a
    WHERE a.callback_id = c.id AND a.ended_at IS NOT NULL
    ORDER BY a.ordinal DESC
    LIMIT 1
) last ON true
CROSS JOIN LATERAL (
    SELECT
        coalesce(bool_or(s.step = 'dial'), false) AS dialled,
        coalesce(bool_or(s.step = 'answered'), false) AS answered
    FROM ccm.callback_attempt a
    JOIN ccm.callback_step s ON s.attempt = a.attempt
    WHERE a.callback_id = c.id AND a.ended_at IS NULL
) live
CROSS JOIN LATERAL (
    -- Who joined the queue later and was answered before; two seconds, since steps may come from
    -- queue_log, which has whole ones.
    SELECT count(*) AS overtaken
    FROM ccm.queue_visit v
    WHERE v.queue_id = c.queue_id AND d.first_dialled_at IS NOT NULL
        AND v.joined_at > c.asked_at AND v.joined_at < d.first_dialled_at
        AND v.answered_at < d.first_dialled_at - interval '2 seconds'
        AND NOT EXISTS (
            SELECT FROM ccm.interaction i WHERE i.id = v.interaction_id AND i.channel = 'callback')
) o;

COMMENT ON VIEW report.callback IS 'One row for each callback that was asked for. Filter by asked_at';
COMMENT ON COLUMN report.callback.id IS 'Id of the callback';
COMMENT ON COLUMN report.callback.node IS 'Name of the Asterisk';
COMMENT ON COLUMN report.callback.queue IS 'Name of the queue whose agents call';
COMMENT ON COLUMN report.callback.number IS 'Number to be called';
COMMENT ON COLUMN report.callback.asked_by IS 'caller, or the user who added it by hand';
COMMENT ON COLUMN report.callback.asked_at IS 'When it was asked for';
COMMENT ON COLUMN report.callback.joined_at IS 'When the caller had joined the queue: the place that is kept';
COMMENT ON COLUMN report.callback.position IS 'Position in the queue on joining; null when it is not known';
COMMENT ON COLUMN report.callback.call IS 'Asterisk''s unique id of the call in which it was asked for; empty when added by hand';
COMMENT ON COLUMN report.callback.asking_interaction_id IS
    'The call in which it was asked for, whose visit ends left_by_key; null when it is not stored';
COMMENT ON COLUMN report.callback.state IS
    'waiting (for next_attempt_at), queued (its placeholder waits for an agent), calling (an agent is there, the customer''s phone rings), talking, done, failed, expired (given up in time), cancelled, merged (the number had an open one already)';
COMMENT ON COLUMN report.callback.reason IS 'Why it is in this state, in words';
COMMENT ON COLUMN report.callback.attempts IS 'Times that the customer was called, answered or not';
COMMENT ON COLUMN report.callback.next_attempt_at IS 'Not put into the queue before this; null unless it waits';
COMMENT ON COLUMN report.callback.placed IS 'Times that it was put into the queue, which is more often than attempts when Asterisk restarts or no agent is there';
COMMENT ON COLUMN report.callback.first_dialled_at IS 'When the customer was called for the first time';
COMMENT ON COLUMN report.callback.answered_at IS 'When the customer answered; null when never';
COMMENT ON COLUMN report.callback.done_at IS 'When it came to an end; null while it is open';
COMMENT ON COLUMN report.callback.last_outcome IS
    'What came of the last time that it was put into the queue: answered, not_answered, busy, unreachable, lost, agent_gone, refused, not_placed, no_agents, gone, withdrawn';
COMMENT ON COLUMN report.callback.wait_seconds IS
    'From joining the queue to the customer''s answer, in seconds; null when there was none';
COMMENT ON COLUMN report.callback.overtaken IS
    'Callers who joined the queue after it was asked for and were answered before the customer was first called';
COMMENT ON COLUMN report.callback.kept_on_time IS
    'Whether the customer was first called when the turn came: nobody was overtaken. False when it failed or expired uncalled, null while it is open or when it was cancelled';
