-- Lead $1, held until the transaction ends, with its campaign
SELECT l.id, l.state, l.name, l.next_number, c.id AS campaign_id, c.name AS campaign, c.state AS campaign_state, c.mode,
    c.node, c.queue, c.settings
FROM ccm.lead AS l JOIN ccm.campaign AS c ON c.id = l.campaign_id
WHERE l.id = $1
FOR UPDATE OF l
