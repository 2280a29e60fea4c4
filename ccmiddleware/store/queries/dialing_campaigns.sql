-- Campaigns of node $1 that run, and those of ids $2; with the last comparison with a public list
SELECT c.id, c.name, c.state, c.revision, c.settings, c.started_at,
       (SELECT s.id FROM ccm.dnc_scrub AS s
        WHERE s.campaign_id IS NULL OR s.campaign_id = c.id
        ORDER BY s.scrubbed_at DESC, s.id DESC LIMIT 1) AS scrub
FROM ccm.campaign AS c
WHERE (c.node = $1 AND c.state = 'running') OR c.id = ANY ($2::uuid[])
