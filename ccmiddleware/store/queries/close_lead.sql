-- An agent closed lead $1 of a campaign of node $2: it is done, unless it is being called or waits for a call
UPDATE ccm.lead SET state = 'done'
WHERE id = $1 AND state IN ('new', 'ready')
    AND campaign_id IN (SELECT c.id FROM ccm.campaign AS c WHERE c.node = $2)
