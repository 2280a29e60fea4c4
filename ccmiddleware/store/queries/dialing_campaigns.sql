-- Campaigns of node $1 that run or have promises to keep at $3, and those of ids $2; with the last comparison with a public list
SELECT c.id, c.name, c.state, c.revision, c.settings, c.started_at, p.due AS promises_due,
       (SELECT s.id FROM ccm.dnc_scrub AS s
        WHERE s.campaign_id IS NULL OR s.campaign_id = c.id
        ORDER BY s.scrubbed_at DESC, s.id DESC LIMIT 1) AS scrub
FROM ccm.campaign AS c
CROSS JOIN LATERAL (
    SELECT EXISTS (
        SELECT FROM ccm.lead_callback AS b JOIN ccm.lead AS l ON l.id = b.lead_id AND l.state = 'promised'
        WHERE b.campaign_id = c.id AND b.closed_at IS NULL AND b.due_at <= $3) AS due) AS p
WHERE (c.node = $1 AND (c.state = 'running' OR (c.state = 'paused' AND p.due))) OR c.id = ANY ($2::uuid[])
