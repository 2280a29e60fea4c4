-- Note a request, received at $3, for each of the numbers $1 that version $2 of the list has first from source opt_out; by $4
SELECT ccm.note_opt_out('list:' || e.id, 'list', e.number, ARRAY [e.number], NULL, NULL, coalesce($3, now()), $4, e.note, false)
FROM ccm.dnc_entry AS e
WHERE e.number = ANY ($1::text[]) AND NOT e.prefix AND e.added_version = $2 AND e.source = 'opt_out' AND e.campaign_id IS NULL
