-- What the loop guards count before $1 now: $2 sender, $3 plain subject, $4 conversation or null
SELECT
    ARRAY(SELECT (
            (SELECT count(*) FROM ccm.email AS e
             WHERE e.from_address = $2 AND e.direction = 'inbound' AND e.at > $1::timestamptz - w.span)
            + (SELECT count(*) FROM ccm.email_quarantine AS h
               WHERE lower(h.sender) = $2 AND h.kind = 'loop' AND h.held_at > $1::timestamptz - w.span))::integer
        FROM unnest(ARRAY['10 min', '30 min', '60 min']::interval[]) WITH ORDINALITY AS w (span, n)
        ORDER BY w.n) AS from_correspondent,
    ARRAY(SELECT (SELECT count(*)::integer FROM ccm.email AS e
                  WHERE e.conversation_id = $4 AND e.direction = 'inbound' AND e.at > $1::timestamptz - w.span)
        FROM unnest(ARRAY['10 min', '30 min', '60 min']::interval[]) WITH ORDINALITY AS w (span, n)
        ORDER BY w.n) AS in_conversation,
    ARRAY(SELECT (SELECT count(*)::integer FROM ccm.outbox AS o
                  WHERE o.kind = 'acknowledgement' AND o.put_at > $1::timestamptz - w.span)
        FROM unnest(ARRAY['10 min', '30 min', '60 min']::interval[]) WITH ORDINALITY AS w (span, n)
        ORDER BY w.n) AS acknowledgements,
    (SELECT count(*)::integer FROM ccm.email AS e
     WHERE e.from_address = $2 AND e.direction = 'inbound' AND e.plain_subject = $3
        AND e.at > $1::timestamptz - interval '60 min') AS same_subject_from,
    (SELECT count(*)::integer
     FROM ccm.outbox AS o JOIN ccm.outbox_recipient AS r ON r.outbox_id = o.id
     WHERE o.kind = 'acknowledgement' AND o.put_at > $1::timestamptz - interval '60 min' AND o.plain_subject = $3
        AND lower(r.address) = $2) AS same_subject_to,
    EXISTS (SELECT FROM ccm.outbox AS o WHERE o.conversation_id = $4 AND o.kind = 'acknowledgement') AS acknowledged
