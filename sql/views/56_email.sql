-- report.email: one row for each conversation by email: what it is like now, and how long everything took.
CREATE OR REPLACE VIEW report.email AS
SELECT
    c.id,
    c.number,
    n.name AS node,
    q.name AS queue,
    c.subject,
    m.customer,
    c.opened_at,
    c.state,
    c.closed_at,
    m.received,
    m.answered,
    w.number AS item,
    w.state AS item_state,
    w.priority AS item_priority,
    w.agent,
    w.taken_at,
    w.due_at,
    w.due_at < report.now() AS overdue,
    k.first_response_at,
    k.first_response_seconds,
    k.first_response_business_seconds,
    k.first_response_within_target,
    k.next_responses,
    k.next_response_average_seconds,
    k.next_response_average_business_seconds,
    k.next_responses_within_target,
    k.resolution_seconds,
    k.resolution_business_seconds,
    k.resolution_within_target
FROM ccm.conversation c
JOIN ccm.node n ON n.id = c.node_id
JOIN ccm.queue q ON q.id = c.queue_id
CROSS JOIN LATERAL (
    SELECT
        (array_agg(e.from_address ORDER BY e.at, e.id) FILTER (WHERE e.direction = 'inbound'))[1] AS customer,
        count(*) FILTER (WHERE e.direction = 'inbound') AS received,
        count(*) FILTER (WHERE e.direction = 'outbound' AND e.automatic = '') AS answered
    FROM ccm.email e
    WHERE e.conversation_id = c.id
) m
LEFT JOIN LATERAL (
    SELECT i.number, i.state, i.priority, i.due_at, i.taken_at, coalesce(nullif(a.name, ''), a.interface) AS agent
    FROM ccm.work_item i
    LEFT JOIN ccm.agent a ON a.id = i.agent_id AND i.state = 'working'
    WHERE i.conversation_id = c.id AND i.state <> 'done'
) w ON true
CROSS JOIN LATERAL (
    SELECT
        min(s.ended_at) FILTER (WHERE s.goal = 'first_response') AS first_response_at,
        min(s.seconds) FILTER (WHERE s.goal = 'first_response') AS first_response_seconds,
        min(s.business_seconds) FILTER (WHERE s.goal = 'first_response') AS first_response_business_seconds,
        bool_and(s.counted_seconds <= s.target_seconds) FILTER (WHERE s.goal = 'first_response') AS first_response_within_target,
        count(*) FILTER (WHERE s.goal = 'next_response') AS next_responses,
        report.mean(sum(s.seconds) FILTER (WHERE s.goal = 'next_response'),
            count(*) FILTER (WHERE s.goal = 'next_response')) AS next_response_average_seconds,
        report.mean(sum(s.business_seconds) FILTER (WHERE s.goal = 'next_response'),
            count(*) FILTER (WHERE s.goal = 'next_response')) AS next_response_average_business_seconds,
        count(*) FILTER (WHERE s.goal = 'next_response' AND s.counted_seconds <= s.target_seconds) AS next_responses_within_target,
        min(s.seconds) FILTER (WHERE s.goal = 'resolution') AS resolution_seconds,
        min(s.business_seconds) FILTER (WHERE s.goal = 'resolution') AS resolution_business_seconds,
        bool_and(s.counted_seconds <= s.target_seconds) FILTER (WHERE s.goal = 'resolution') AS resolution_within_target
    FROM ccm.service_clock s
    WHERE s.conversation_id = c.id AND s.reached
) k;

COMMENT ON VIEW report.email IS
    'One row for each conversation by email. Filter by opened_at, which has an index. Times that end in business_seconds are counted in the opening hours that the queue had when they ended.';
COMMENT ON COLUMN report.email.id IS 'Id of the conversation';
COMMENT ON COLUMN report.email.number IS 'Its number, by which people call it';
COMMENT ON COLUMN report.email.node IS 'Name of the Asterisk of its queue';
COMMENT ON COLUMN report.email.queue IS 'Queue that it belongs to now';
COMMENT ON COLUMN report.email.subject IS 'Subject of its first email, as the sender wrote it';
COMMENT ON COLUMN report.email.customer IS 'Address from which the first email came, as its From says';
COMMENT ON COLUMN report.email.opened_at IS 'When the first email came';
COMMENT ON COLUMN report.email.state IS 'open (something is to be done), waiting (for the customer, or a time), closed';
COMMENT ON COLUMN report.email.closed_at IS 'When it was closed; null while it is not';
COMMENT ON COLUMN report.email.received IS 'Emails that came in, those of machines too';
COMMENT ON COLUMN report.email.answered IS 'Emails that agents wrote; without acknowledgements';
COMMENT ON COLUMN report.email.item IS 'Number of the work item that is not done; null when there is nothing to do';
COMMENT ON COLUMN report.email.item_state IS 'waiting, queued (a placeholder stands in the Asterisk queue), working (an agent has it in hand)';
COMMENT ON COLUMN report.email.item_priority IS 'Its priority: higher comes first';
COMMENT ON COLUMN report.email.agent IS 'The agent who has it in hand; null when nobody has';
COMMENT ON COLUMN report.email.taken_at IS 'When the item was last taken';
COMMENT ON COLUMN report.email.due_at IS 'The next deadline of the conversation, from the targets of its queue; null without any';
COMMENT ON COLUMN report.email.overdue IS 'due_at is over';
COMMENT ON COLUMN report.email.first_response_at IS 'When a person answered first';
COMMENT ON COLUMN report.email.first_response_seconds IS 'From the customer''s first message to the first answer by a person, on the wall clock';
COMMENT ON COLUMN report.email.first_response_business_seconds IS 'The same in opening hours';
COMMENT ON COLUMN report.email.first_response_within_target IS 'Whether that was within the target; null without a target, or an answer';
COMMENT ON COLUMN report.email.next_responses IS 'Answers to what the customer wrote after the first answer; several messages in a row are answered once';
COMMENT ON COLUMN report.email.next_response_average_seconds IS
    'Mean of the times from the customer''s first message after an answer to the next answer, on the wall clock';
COMMENT ON COLUMN report.email.next_response_average_business_seconds IS 'The same in opening hours';
COMMENT ON COLUMN report.email.next_responses_within_target IS 'Those of next_responses that were within their target';
COMMENT ON COLUMN report.email.resolution_seconds IS
    'From the first message to the last closing, without what it was closed between; on the wall clock';
COMMENT ON COLUMN report.email.resolution_business_seconds IS 'The same in opening hours';
COMMENT ON COLUMN report.email.resolution_within_target IS
    'Whether the opening hours of resolution, without those in which it waited for the customer or a time, were within the target';
