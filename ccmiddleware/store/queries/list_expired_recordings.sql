-- Recordings of nodes $1 whose time is over, the oldest first: queues $2 with days $3 (null: never), all
-- others after $4 days, now $5
SELECT e.interaction_id AS interaction, e.segment, e.node, e.queue, e.state, e.ended_at, e.keep_days,
       e.bytes, e.held
FROM ccm.expired_recordings($1, $2, $3, $4, $5) AS e
ORDER BY e.ended_at, e.interaction_id, e.segment
