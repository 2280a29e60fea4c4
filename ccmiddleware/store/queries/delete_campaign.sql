-- Delete campaign $1, if it is a draft to which nothing belongs
DELETE FROM ccm.campaign AS c
WHERE c.id = $1 AND c.state = 'draft'
  AND NOT EXISTS (SELECT FROM ccm.lead WHERE campaign_id = c.id)
  AND NOT EXISTS (SELECT FROM ccm.lead_import WHERE campaign_id = c.id)
  AND NOT EXISTS (SELECT FROM ccm.dnc_entry WHERE campaign_id = c.id)
  AND NOT EXISTS (SELECT FROM ccm.dnc_scrub WHERE campaign_id = c.id)
RETURNING c.id
