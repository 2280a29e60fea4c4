-- The item $1 waits again at $2, for the reason $3: what became of it
SELECT ccm.reopen_work($1, $2, $3)
