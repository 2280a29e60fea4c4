-- What was learned of campaign $1, and when
SELECT at, pacing, answering FROM ccm.campaign_pacing WHERE campaign_id = $1
