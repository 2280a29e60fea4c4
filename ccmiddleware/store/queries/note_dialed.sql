-- Asterisk took the orders to dial attempts $1 at $2, one for each
UPDATE ccm.attempt AS a SET dialed_at = d.at
FROM unnest($1::uuid[], $2::timestamptz[]) AS d (id, at)
WHERE a.id = d.id AND a.dialed_at IS NULL
