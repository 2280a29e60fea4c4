-- Places in which campaign $1 has leads that may be called now or were not called yet
WITH RECURSIVE found AS (
    (SELECT place_id FROM ccm.lead
    WHERE campaign_id = $1 AND state IN ('new', 'ready')
    ORDER BY place_id LIMIT 1)
    UNION ALL
    SELECT next.place_id FROM found CROSS JOIN LATERAL (
        SELECT l.place_id FROM ccm.lead AS l
        WHERE l.campaign_id = $1 AND l.state IN ('new', 'ready') AND l.place_id > found.place_id
        ORDER BY l.place_id LIMIT 1) AS next
)
SELECT p.id, p.country, p.zones, p.states FROM found JOIN ccm.place AS p ON p.id = found.place_id
