-- The item $1 is done: $2 outcome, $3 state of its conversation, $4 now, $5 by whom
SELECT ccm.finish_work($1, $2, $3, $4, $5)
