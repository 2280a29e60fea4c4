-- Receipts that were put into the outbox for the address $1, in lower case, since $3: in all, and in conversation $2
SELECT count(*)::integer AS to_agent, (count(*) FILTER (WHERE o.conversation_id = $2))::integer AS in_conversation
FROM ccm.outbox AS o JOIN ccm.outbox_recipient AS r ON r.outbox_id = o.id
WHERE o.kind = 'receipt' AND o.put_at > $3 AND lower(r.address) = $1
