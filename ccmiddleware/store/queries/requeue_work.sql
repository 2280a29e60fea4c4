-- The item $1 waits in queue $2 from $3 on; $4 now, $5 why, $6 by whom
SELECT ccm.requeue_work($1, $2, $3, $4, $5, $6)
