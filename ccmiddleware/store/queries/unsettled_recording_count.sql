-- How many recordings of node $1 wait for something to be done with their files, and since when the
-- oldest does
SELECT count(*) AS waiting, min(coalesce(r.deleted_at, r.ended_at, r.started_at)) AS oldest
FROM ccm.node AS n
JOIN ccm.recording AS r ON r.node_id = n.id
WHERE n.name = $1::text AND NOT r.settled
