-- What the loop guards count before $1 now, for each message of a row: $2 senders, $3 plain subjects, $4 conversations or null
-- Each table is read by the condition that few rows meet, and counted after that: together with the others, a plan that
-- was made while the tables were small would read them by another index, from one end to the other.
WITH acknowledgement AS MATERIALIZED (
    SELECT o.id, o.put_at AS at, o.plain_subject FROM ccm.outbox AS o
    WHERE o.kind = 'acknowledgement' AND o.put_at > $1::timestamptz - interval '60 min'
), span AS (
    SELECT $1::timestamptz - s AS since, n
    FROM unnest(ARRAY['10 min', '30 min', '60 min']::interval[]) WITH ORDINALITY AS w (s, n)
)
SELECT counts.*, total.acknowledgements
FROM unnest($2::text[], $3::text[], $4::uuid[]) WITH ORDINALITY AS m (sender, plain_subject, conversation, n)
CROSS JOIN (
    SELECT ARRAY(SELECT (SELECT count(*)::integer FROM acknowledgement WHERE at > since) FROM span ORDER BY n)
) AS total (acknowledgements)
CROSS JOIN LATERAL (
    WITH written AS MATERIALIZED (
        SELECT e.at, e.plain_subject, e.direction FROM ccm.email AS e
        WHERE e.from_address = m.sender AND e.at > $1::timestamptz - interval '60 min'
    ), held AS MATERIALIZED (
        SELECT h.held_at AS at, h.kind FROM ccm.email_quarantine AS h
        WHERE lower(h.sender) = m.sender AND h.held_at > $1::timestamptz - interval '60 min'
    ), counted AS (
        SELECT at FROM written WHERE direction = 'inbound' UNION ALL SELECT at FROM held WHERE kind = 'loop'
    ), joined AS MATERIALIZED (
        SELECT e.at, e.direction FROM ccm.email AS e
        WHERE e.conversation_id = m.conversation AND e.at > $1::timestamptz - interval '60 min'
    ), sent AS MATERIALIZED (
        SELECT o.kind FROM ccm.outbox AS o WHERE o.conversation_id = m.conversation
    )
    SELECT
        ARRAY(SELECT (SELECT count(*)::integer FROM counted WHERE at > since) FROM span ORDER BY n)
            AS from_correspondent,
        ARRAY(SELECT (SELECT count(*)::integer FROM joined WHERE direction = 'inbound' AND at > since)
              FROM span ORDER BY n) AS in_conversation,
        (SELECT count(*)::integer FROM written AS w WHERE w.direction = 'inbound' AND w.plain_subject = m.plain_subject)
            AS same_subject_from,
        (SELECT count(*)::integer
         FROM acknowledgement AS o JOIN ccm.outbox_recipient AS r ON r.outbox_id = o.id
         WHERE o.plain_subject = m.plain_subject AND lower(r.address) = m.sender) AS same_subject_to,
        EXISTS (SELECT FROM sent WHERE kind = 'acknowledgement') AS acknowledged
) AS counts
ORDER BY m.n
