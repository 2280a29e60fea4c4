-- History: of queue $1, revision $2, by $3, what $4, from $5 to $6
INSERT INTO ccm.queue_change (queue_id, revision, changed_by, what, before, after)
VALUES ($1, $2, $3, $4, $5, $6)
