-- What has to be looked at for an import into campaign $1: its leads, those of others, the do-not-call list
SELECT EXISTS (SELECT FROM ccm.lead WHERE campaign_id = $1) AS leads,
       EXISTS (SELECT FROM ccm.campaign AS c
               WHERE c.id <> $1 AND c.state <> 'stopped'
                 AND EXISTS (SELECT FROM ccm.lead AS l WHERE l.campaign_id = c.id)) AS others,
       EXISTS (SELECT FROM ccm.dnc_entry WHERE removed_at IS NULL AND NOT prefix) AS listed
