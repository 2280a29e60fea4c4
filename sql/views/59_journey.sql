-- report.journey: what a contact did, over all channels, in order.
--
-- Calls and callbacks are found by the number of the customer's side, in each form that the rule of
-- ccm.contact_setting knows (index interaction_caller); inbound emails by From (email_from), what we sent by
-- its recipients (email_sent_to). An email that came is also an interaction, with the same id, and stands here as the email. A number or an address belongs to one contact, so nothing stands here twice.
CREATE OR REPLACE VIEW report.journey AS
SELECT
    c.id AS contact_id,
    c.name AS contact,
    j.at,
    j.channel,
    j.direction,
    j.address,
    j.queue,
    j.agents,
    j.outcome,
    j.conversation_id,
    j.subject,
    j.id
FROM ccm.contact c
CROSS JOIN LATERAL (
    SELECT
        i.started_at AS at,
        i.channel,
        i.direction,
        i.caller_num AS address,
        (SELECT q.name
         FROM ccm.queue_visit v
         JOIN ccm.queue q ON q.id = v.queue_id
         WHERE v.interaction_id = i.id
         ORDER BY v.ordinal DESC
         LIMIT 1) AS queue,
        ARRAY(
            SELECT coalesce(nullif(g.name, ''), g.interface)
            FROM ccm.segment s
            JOIN ccm.agent g ON g.id = s.agent_id
            WHERE s.interaction_id = i.id
            ORDER BY s.ordinal) AS agents,
        CASE
            -- As in report.interaction.
            WHEN i.outcome = 'abandoned' AND (
                SELECT d.dropped FROM ccm.attempt d WHERE d.id = ccm.attempt_of(i.linkedid))
            THEN 'dropped'
            ELSE coalesce(i.outcome, i.state)
        END AS outcome,
        k.conversation_id,
        k.subject,
        i.id
    FROM ccm.contact_address a
    CROSS JOIN LATERAL ccm.forms_of_number(a.address) f (number)
    JOIN ccm.interaction i ON i.caller_num = f.number
    LEFT JOIN LATERAL (
        SELECT l.conversation_id, v.subject
        FROM ccm.conversation_interaction l
        JOIN ccm.conversation v ON v.id = l.conversation_id
        WHERE l.interaction_id = i.id AND l.unlinked_at IS NULL
        ORDER BY l.id DESC
        LIMIT 1
    ) k ON true
    WHERE a.contact_id = c.id AND a.kind = 'phone'
        AND i.channel <> 'email' AND i.direction <> 'internal'
    UNION ALL
    SELECT
        e.at,
        'email',
        e.direction,
        e.from_address,
        q.name,
        ARRAY(
            SELECT coalesce(nullif(g.name, ''), g.interface)
            FROM ccm.segment s
            JOIN ccm.agent g ON g.id = s.agent_id
            WHERE s.interaction_id = e.id
            ORDER BY s.ordinal),
        CASE
            WHEN EXISTS (
                SELECT FROM ccm.email later
                WHERE later.conversation_id = e.conversation_id AND later.direction = 'outbound'
                    AND later.automatic = '' AND later.at > e.at) THEN 'answered'
            ELSE v.state
        END,
        v.id,
        e.subject,
        e.id
    FROM ccm.contact_address a
    JOIN ccm.email e ON e.from_address = a.address
    JOIN ccm.conversation v ON v.id = e.conversation_id
    JOIN ccm.queue q ON q.id = v.queue_id
    WHERE a.contact_id = c.id AND a.kind = 'email' AND e.direction = 'inbound'
    UNION ALL
    SELECT
        e.at,
        'email',
        e.direction,
        (SELECT min(a.address)
         FROM ccm.contact_address a
         WHERE a.contact_id = c.id AND a.kind = 'email' AND a.address = ANY (ccm.addresses_of(e.recipients))),
        v.queue,
        '{}'::text[],
        (SELECT o.state FROM ccm.outbox o WHERE o.message_id = e.message_id),
        v.id,
        e.subject,
        e.id
    FROM ccm.email e
    -- One by one: nobody can tell the planner how few emails of the many a contact got.
    CROSS JOIN LATERAL (
        SELECT matter.id, queue.name AS queue
        FROM ccm.conversation matter
        JOIN ccm.queue ON queue.id = matter.queue_id
        WHERE matter.id = e.conversation_id
        LIMIT 1
    ) v
    WHERE e.direction = 'outbound'
        AND ccm.addresses_of(e.recipients) && ARRAY(
            SELECT a.address FROM ccm.contact_address a WHERE a.contact_id = c.id AND a.kind = 'email')
) j
ORDER BY c.id, j.at, j.id;

COMMENT ON VIEW report.journey IS
    'What contacts did and what was done for them, over all channels: one row for each call, callback and email of a contact, in order of time. Filter by contact_id';
COMMENT ON COLUMN report.journey.contact_id IS 'Id of the contact (ccm contact list); a question about one reads its rows only';
COMMENT ON COLUMN report.journey.contact IS 'Name of the contact';
COMMENT ON COLUMN report.journey.at IS 'When the call began or the email arrived; of what we sent, when it was put into the outbox';
COMMENT ON COLUMN report.journey.channel IS 'voice, callback or email';
COMMENT ON COLUMN report.journey.direction IS 'inbound (from the contact) or outbound';
COMMENT ON COLUMN report.journey.address IS 'The contact''s number or address in it; of several recipients the first by name';
COMMENT ON COLUMN report.journey.queue IS
    'Queue that the call joined last, or that has the email''s conversation now; null when it joined none';
COMMENT ON COLUMN report.journey.agents IS
    'Agents who talked to the contact, or worked on the email that came, in order; of emails that we sent none';
COMMENT ON COLUMN report.journey.outcome IS
    'Calls: as in report.interaction, the state while they go on. Emails that came: answered when an answer by a person followed in the conversation, else its state (open, waiting, closed). Emails we sent: the state of the outbox (sent, queued, failed, unknown …), null when it does not have them any more';
COMMENT ON COLUMN report.journey.conversation_id IS
    'Conversation of the email; of a call the one that it was linked to last, null when to none';
COMMENT ON COLUMN report.journey.subject IS 'Subject of the email, or of the call''s conversation; from outside: not to be trusted';
COMMENT ON COLUMN report.journey.id IS 'Id of the interaction or of the email';
