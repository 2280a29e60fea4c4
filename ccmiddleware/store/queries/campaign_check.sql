-- What has to be known to check campaign $1: its queue and who works there, its leads, when lists were compared
SELECT EXISTS (SELECT FROM ccm.queue AS q JOIN ccm.node AS n ON n.id = q.node_id
               WHERE n.name = c.node AND q.name = c.queue) AS queue_exists,
       members.members,
       members.nailed_up,
       (SELECT max(s.scrubbed_at) FROM ccm.dnc_scrub AS s
        WHERE s.campaign_id IS NULL OR s.campaign_id = c.id) AS scrubbed_at,
       leads.leads,
       leads.without_consent,
       (SELECT count(*) FROM ccm.trunk AS t WHERE c.settings -> 'trunks' ? t.name) AS trunks
FROM ccm.campaign AS c
CROSS JOIN LATERAL (
    SELECT count(*) AS members,
           count(*) FILTER (WHERE a.interface LIKE 'Agent:%' OR a.interface LIKE '%@agent-request%') AS nailed_up
    FROM ccm.queue_member AS m
    JOIN ccm.agent AS a ON a.id = m.agent_id
    JOIN ccm.queue AS q ON q.id = m.queue_id
    JOIN ccm.node AS n ON n.id = q.node_id
    WHERE n.name = c.node AND q.name = c.queue AND m.member
) AS members
CROSS JOIN LATERAL (
    SELECT count(*) AS leads, count(*) FILTER (WHERE l.consent = '') AS without_consent
    FROM ccm.lead AS l
    WHERE l.campaign_id = c.id AND l.state <> 'done'
) AS leads
WHERE c.id = $1
