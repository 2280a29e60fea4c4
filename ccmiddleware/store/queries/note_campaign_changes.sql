-- History of campaign $1 named $2, revision $3, by $4: what, before, after of each of $5
INSERT INTO ccm.campaign_change (campaign_id, campaign, revision, changed_by, what, before, after)
SELECT $1, $2, $3, $4, f.what, f.before, f.after
FROM jsonb_to_recordset($5::jsonb) AS f (what text, before text, after text)
