-- The first leads of campaign $1 in places $2 that may be called at $3: at most $4 of each place, $5 of all
SELECT l.id AS lead, l.place_id, l.priority, l.next_at, l.attempts, l.last_result, n.number, n.kind
FROM (
    SELECT one.* FROM unnest($2::integer[]) AS p (place_id) CROSS JOIN LATERAL (
        SELECT id, place_id, priority, next_at, attempts, last_result, next_number
        FROM ccm.lead
        WHERE campaign_id = $1 AND place_id = p.place_id AND state IN ('new', 'ready') AND next_at <= $3
        ORDER BY priority DESC, next_at, id LIMIT $4) AS one
    ORDER BY one.priority DESC, one.next_at, one.id LIMIT $5
) AS l
JOIN ccm.lead_number AS n ON n.lead_id = l.id AND n.ordinal = l.next_number
ORDER BY l.priority DESC, l.next_at, l.id
