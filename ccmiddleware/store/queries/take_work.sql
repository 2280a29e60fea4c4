-- The agent $2 has the item $1 from $3 on, given by $4
SELECT ccm.take_work($1, $2, $3, $4)
