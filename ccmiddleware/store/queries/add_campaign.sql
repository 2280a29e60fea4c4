-- A new draft $1 with settings $2 by $3; nothing when there is one of that name
INSERT INTO ccm.campaign (name, settings, created_by, state_by, revision)
VALUES ($1, $2, $3, $3, 1)
ON CONFLICT (name) DO NOTHING
RETURNING id, name, state, settings, revision
