-- Say what came of placement $3, for the leader of node $1 in term $2: $4 outcome, $5 now, $6 agent; unless it was
-- taken its item waits again, not before $7, $8 why, $9 fruitless placements
SELECT ccm.end_work_placement($1, $2, $3, $4, $5, $6, $7, $8, $9)
