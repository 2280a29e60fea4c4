-- Which of these paths belong to a recording. $1 nodes, $2 ids, $3 paths, all of them arrays.
-- The ids stand in the names of the files, so that the primary key finds them.
SELECT recording.path
FROM ccm.recording
JOIN ccm.node ON node.id = recording.node_id
WHERE node.name = ANY ($1::text[]) AND recording.interaction_id = ANY ($2::uuid[])
  AND recording.path = ANY ($3::text[])
