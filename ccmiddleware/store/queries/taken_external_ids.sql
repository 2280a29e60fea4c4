-- Which of the ids $2 are those of leads of campaign $1
SELECT l.external_id
FROM ccm.lead AS l
WHERE l.campaign_id = $1 AND l.external_id = ANY ($2::text[]) AND l.external_id <> ''
