-- Everything about lead $1
SELECT l.id, c.name AS campaign, l.external_id, l.name, l.priority, l.state, l.next_number, l.next_at, l.attempts,
       l.last_result, l.zone, l.postal_code, l.subdivision, l.country, l.consent, l.custom, i.file, i.imported_at, i.imported_by
FROM ccm.lead AS l
JOIN ccm.campaign AS c ON c.id = l.campaign_id
LEFT JOIN ccm.lead_import AS i ON i.id = l.import_id
WHERE l.id = $1
