-- Leads of campaign $1 that waited until $2 may be called again; at most $3
UPDATE ccm.lead SET state = 'ready'
WHERE id IN (
    SELECT id FROM ccm.lead WHERE campaign_id = $1 AND state = 'waiting' AND next_at <= $2
    ORDER BY next_at LIMIT $3 FOR UPDATE SKIP LOCKED)
