-- What leads of campaign $1 have at most: numbers, and the names of custom fields
SELECT coalesce((SELECT max(n.ordinal) FROM ccm.lead AS l JOIN ccm.lead_number AS n ON n.lead_id = l.id
                 WHERE l.campaign_id = $1), 1) AS numbers,
       array(SELECT DISTINCT k.name
             FROM ccm.lead AS l, jsonb_object_keys(l.custom) AS k (name)
             WHERE l.campaign_id = $1 ORDER BY 1) AS custom
