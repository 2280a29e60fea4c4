-- The next recordings of node $1 after ($2 interaction, $3 segment), $4 of them: those that are no more
-- as the settings want them are unsettled. $5 whether there is a bucket, $6 whether files stay here as
-- well; $7 queues and $8 whether theirs are compressed, $9 whether all others are. The last one seen.
WITH page AS MATERIALIZED (
    SELECT r.interaction_id, r.segment
    FROM ccm.node AS n
    JOIN ccm.recording AS r ON r.node_id = n.id
    WHERE n.name = $1::text AND (r.interaction_id, r.segment) > ($2::uuid, $3::smallint)
      AND r.state = 'finished' AND r.settled
    ORDER BY r.interaction_id, r.segment
    LIMIT $4
), wanted AS (
    SELECT p.*,
        CASE WHEN q.name = ANY ($7::text[])
             THEN ($8::boolean[])[array_position($7::text[], q.name)]
             ELSE $9::boolean END AS compressed
    FROM page AS p
    LEFT JOIN ccm.segment AS s ON s.interaction_id = p.interaction_id AND s.ordinal = p.segment
    LEFT JOIN ccm.queue_visit AS v ON v.interaction_id = s.interaction_id AND v.ordinal = s.visit
    LEFT JOIN ccm.queue AS q ON q.id = v.queue_id
), reopened AS (
    UPDATE ccm.recording AS r
    SET settled = false
    FROM wanted AS w
    WHERE r.interaction_id = w.interaction_id AND r.segment = w.segment
      AND r.state = 'finished' AND r.local
      AND ($5::boolean AND (r.object IS NULL OR NOT $6::boolean)
           OR w.compressed AND r.compression = 'none' AND r.object IS NULL)
    RETURNING 1
)
SELECT p.interaction_id, p.segment, (SELECT count(*) FROM reopened) AS reopened
FROM page AS p
ORDER BY p.interaction_id DESC, p.segment DESC
LIMIT 1
