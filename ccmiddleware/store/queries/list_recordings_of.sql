-- The recordings of these interactions, which stand in the names of files. $1 nodes, or null for
-- all; $2 ids; both arrays.
SELECT recording.interaction_id, recording.path, recording.state, recording.local, recording.object,
       recording.settled
FROM ccm.recording
JOIN ccm.node ON node.id = recording.node_id
WHERE recording.interaction_id = ANY ($2::uuid[])
  AND ($1::text[] IS NULL OR node.name = ANY ($1::text[]))
