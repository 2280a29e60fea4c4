-- Nothing is left to be done with these recordings, as seen in these versions: $1 interactions,
-- $2 segments, $3 versions
UPDATE ccm.recording AS r
SET settled = true
FROM unnest($1::uuid[], $2::smallint[], $3::bigint[]) AS s (interaction_id, segment, version)
WHERE r.interaction_id = s.interaction_id AND r.segment = s.segment AND r.version = s.version
