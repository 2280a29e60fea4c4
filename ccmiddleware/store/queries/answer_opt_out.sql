-- The open request $1 for no more calls is about the numbers $2, which version $3 of the list has
UPDATE ccm.opt_out SET numbers = $2, honoured_at = greatest(now(), received_at), dnc_version = $3
WHERE id = $1 AND honoured_at IS NULL
