-- The calls that were linked to conversation $1, in order
SELECT i.id, i.started_at AS at, i.ended_at, i.channel, i.direction, i.caller_num, i.caller_name, i.did, i.state, i.outcome,
    ARRAY(
        SELECT q.name FROM ccm.queue_visit AS v JOIN ccm.queue AS q ON q.id = v.queue_id
        WHERE v.interaction_id = i.id ORDER BY v.ordinal) AS queues,
    ARRAY(
        SELECT coalesce(nullif(a.name, ''), a.interface) FROM ccm.segment AS s JOIN ccm.agent AS a ON a.id = s.agent_id
        WHERE s.interaction_id = i.id ORDER BY s.ordinal) AS agents,
    l.linked_by, l.linked_at
FROM ccm.conversation_interaction AS l
JOIN ccm.interaction AS i ON i.id = l.interaction_id
WHERE l.conversation_id = $1 AND l.unlinked_at IS NULL
ORDER BY i.started_at, i.id
