-- The lead that attempt $1 called, and on which number
SELECT a.lead_id, a.number, c.name AS campaign FROM ccm.attempt AS a JOIN ccm.campaign AS c ON c.id = a.campaign_id WHERE a.id = $1
