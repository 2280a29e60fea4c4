-- How many acknowledgements were put into the outbox for the address $1, in lower case, since $2
SELECT count(*)::integer
FROM ccm.outbox AS o JOIN ccm.outbox_recipient AS r ON r.outbox_id = o.id
WHERE o.kind = 'acknowledgement' AND o.put_at > $2 AND lower(r.address) = $1
