-- The numbers of lead $1: where the party is, whether the do-not-call list forbids them at $2, and which was called last
SELECT n.ordinal, n.number, p.country, p.zones, p.states,
    ccm.forbidden_number(n.number, l.campaign_id, $2) AS forbidden,
    n.number = (SELECT a.number FROM ccm.attempt AS a WHERE a.lead_id = l.id ORDER BY a.id DESC LIMIT 1) AS called_last
FROM ccm.lead AS l
JOIN ccm.lead_number AS n ON n.lead_id = l.id
JOIN ccm.place AS p ON p.id = n.place_id
WHERE l.id = $1
ORDER BY n.ordinal
