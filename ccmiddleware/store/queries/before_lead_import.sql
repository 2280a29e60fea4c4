-- What has to be looked at for an import into campaign $1: its leads, those of others, the do-not-call list
SELECT EXISTS (SELECT FROM ccm.lead WHERE campaign_id = $1) AS leads,
       EXISTS (SELECT FROM ccm.lead AS l JOIN ccm.campaign AS c ON c.id = l.campaign_id
               WHERE l.campaign_id <> $1 AND c.state <> 'stopped') AS others,
       EXISTS (SELECT FROM ccm.dnc_entry WHERE removed_at IS NULL AND NOT prefix) AS listed
