-- Campaigns, or the one named $1, or those in state $2
SELECT id, name, state, state_at, state_by, mode, node, queue, settings, revision, created_at, created_by, started_at
FROM ccm.campaign
WHERE ($1::text IS NULL OR name = $1) AND ($2::text IS NULL OR state = $2)
ORDER BY state = 'stopped', name
