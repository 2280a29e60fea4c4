-- Calls of campaign $1 on node $3 at the time $2: under way, of these not dialled yet, and leads claimed in the minute before
SELECT
    (SELECT count(*) FROM ccm.attempt AS a WHERE a.campaign_id = $1 AND a.node = $3 AND a.ended_at IS NULL) AS under_way,
    (SELECT count(*) FROM ccm.attempt AS a
     WHERE a.campaign_id = $1 AND a.node = $3 AND a.ended_at IS NULL AND a.dialed_at IS NULL) AS not_dialed,
    (SELECT count(*) FROM ccm.attempt AS a
     WHERE a.campaign_id = $1 AND a.claimed_at > $2::timestamptz - interval '1 minute' AND a.claimed_at <= $2) AS last_minute
