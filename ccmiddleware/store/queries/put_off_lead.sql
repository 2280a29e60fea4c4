-- An agent skipped lead $1 of a campaign of node $2: it waits until $3, unless it was called meanwhile
UPDATE ccm.lead SET state = 'waiting', next_at = $3
WHERE id = $1 AND state IN ('new', 'ready') AND next_at < $3
    AND campaign_id IN (SELECT c.id FROM ccm.campaign AS c WHERE c.node = $2)
