-- Give up recordings of node $1 whose time is over, as its leader of term $2: queues $3 with days $4
-- (null: never), all others after $5 days, now $6, at most $7 at once
SELECT * FROM ccm.delete_expired_recordings($1, $2, $3, $4, $5, $6, $7)
