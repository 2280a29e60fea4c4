-- Open or close queue $1 by hand: $2 opened, $3 since, $4 until or null, $5 by whom
INSERT INTO ccm.queue_by_hand (queue_id, opened, since, until, given_by)
VALUES ($1, $2, $3, $4, $5)
