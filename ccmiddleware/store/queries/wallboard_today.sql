-- Calls of each queue since $1, for the wallboard; counted as in report.queue_interval (channel voice)
SELECT v.queue_id, count(*) AS offered,
    count(*) FILTER (WHERE v.outcome = 'answered') AS answered,
    count(*) FILTER (WHERE v.outcome = 'abandoned') AS abandoned,
    count(*) FILTER (WHERE v.outcome = 'answered'
        AND v.answered_at <= v.joined_at + q.service_level_seconds * interval '1 second')
        AS answered_within
FROM ccm.queue_visit AS v
JOIN ccm.queue AS q ON q.id = v.queue_id
WHERE v.joined_at >= $1::timestamptz AND v.outcome IS DISTINCT FROM 'moved'
    AND v.version < 4611686018427387904 -- ccm.work_version: not emails
    AND NOT EXISTS (
        SELECT FROM ccm.interaction AS i
        WHERE i.id = v.interaction_id AND ccm.attempt_of(i.linkedid) IS NOT NULL)
GROUP BY v.queue_id
