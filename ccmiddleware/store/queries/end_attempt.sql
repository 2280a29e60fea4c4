-- Attempt $1 ended at $2 with result $3 and facts $4; $5 is what becomes of its lead
SELECT ccm.end_attempt($1, $2, $3, $4, $5)
