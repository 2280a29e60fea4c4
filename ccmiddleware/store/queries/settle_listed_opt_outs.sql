-- The requests for no more calls of the numbers $1 that version $2 of the list has first are honoured by it
UPDATE ccm.opt_out AS o SET honoured_at = greatest(now(), o.received_at), dnc_version = $2
FROM ccm.dnc_entry AS e
WHERE e.number = ANY ($1::text[]) AND NOT e.prefix AND e.added_version = $2 AND e.source = 'opt_out' AND e.campaign_id IS NULL
    AND o.key = 'list:' || e.id AND o.honoured_at IS NULL
