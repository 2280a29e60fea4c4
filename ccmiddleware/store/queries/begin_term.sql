-- The node with the number $1 is led by the daemon $2 from now on; its new term
UPDATE ccm.leadership
SET term = term + 1, daemon_id = $2::uuid, since = now()
WHERE number = $1::integer
RETURNING term
