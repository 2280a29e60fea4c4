-- What is set of the queues of node $1, or of queue $2 there; by hand only what is not over at $3
SELECT q.id,
       n.name AS node,
       q.name AS queue,
       s.revision,
       s.time_zone,
       s.weekly,
       s.closed_sound,
       s.closed_to,
       s.recording_sound,
       s.max_waiting,
       s.max_estimated_wait_seconds,
       s.max_wait_seconds,
       s.overflow_to,
       s.max_penalty,
       s.email_after_calls,
       s.email_first_response_seconds,
       s.email_next_response_seconds,
       s.email_resolution_seconds,
       s.email_escalate_before_seconds,
       s.email_escalate_to,
       s.email_take_back,
       coalesce((SELECT jsonb_object_agg(h.weekday, h.hours)
                 FROM ccm.queue_hours AS h WHERE h.queue_id = q.id), '{}') AS week,
       coalesce((SELECT jsonb_agg(jsonb_build_object('day', d.day, 'hours', d.hours, 'yearly', d.yearly,
                                                     'name', d.name) ORDER BY d.day)
                 FROM ccm.queue_holiday AS d
                 WHERE d.queue_id = q.id), '[]') AS holidays,
       coalesce((SELECT jsonb_agg(jsonb_build_object('opened', b.opened, 'since', b.since,
                                                     'until', b.until) ORDER BY b.id)
                 FROM ccm.queue_by_hand AS b
                 WHERE b.queue_id = q.id AND b.taken_back_at IS NULL
                   AND (b.until IS NULL OR b.until > $3)), '[]') AS by_hand,
       coalesce((SELECT jsonb_agg(jsonb_build_object('kind', p.kind, 'number', p.number,
                                                     'priority', p.priority))
                 FROM ccm.queue_priority AS p WHERE p.queue_id = q.id), '[]') AS priorities
FROM ccm.queue_setting AS s
JOIN ccm.queue AS q ON q.id = s.queue_id
JOIN ccm.node AS n ON n.id = q.node_id
WHERE n.name = $1 AND ($2::text IS NULL OR q.name = $2)
ORDER BY q.name
