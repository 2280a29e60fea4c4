-- The numbers of lead $1, with their places, and whether they are on the do-not-call list for its campaign at $2
SELECT n.ordinal, n.number, n.kind, p.country, p.zones, p.states, n.evidence,
       EXISTS (SELECT FROM ccm.dnc_entry AS e
               WHERE e.number = ANY (ccm.beginnings_of_number(n.number)) AND (e.prefix OR e.number = n.number)
                 AND e.removed_at IS NULL AND (e.expires_at IS NULL OR e.expires_at > $2)
                 AND (e.campaign_id IS NULL OR e.campaign_id = l.campaign_id)) AS on_dnc_list
FROM ccm.lead_number AS n
JOIN ccm.lead AS l ON l.id = n.lead_id
JOIN ccm.place AS p ON p.id = n.place_id
WHERE n.lead_id = $1
ORDER BY n.ordinal
