-- The intervals of one interaction, in order. $1 id.
SELECT ordinal, state, started_at, ended_at, seconds::double precision AS seconds, queue, agent
FROM report.interaction_timeline
WHERE interaction_id = $1
ORDER BY ordinal
