-- Say what came of interaction $1: $2 code, $3 note, $4 by whom, $5 segment or null for the last one
INSERT INTO ccm.disposition (interaction_id, segment, agent_id, code, note, given_by, source)
SELECT i.id, s.ordinal, s.agent_id, $2, $3, $4, 'cli'
FROM ccm.interaction AS i
LEFT JOIN LATERAL (
    SELECT segment.ordinal, segment.agent_id
    FROM ccm.segment
    WHERE segment.interaction_id = i.id AND ($5::integer IS NULL OR segment.ordinal = $5)
    ORDER BY segment.ordinal DESC
    LIMIT 1
) AS s ON true
WHERE i.id = $1 AND ($5::integer IS NULL OR s.ordinal IS NOT NULL)
RETURNING id, interaction_id, segment, code, note, given_by, given_at
