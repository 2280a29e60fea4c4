-- Which of these paths belong to a recording of a node. $1 node, $2 array of ids, $3 array of paths.
-- The ids stand in the names of the files, so that the primary key finds them.
SELECT recording.path
FROM ccm.recording
JOIN ccm.node ON node.id = recording.node_id
WHERE node.name = $1 AND recording.interaction_id = ANY ($2::uuid[])
  AND recording.path = ANY ($3::text[])
