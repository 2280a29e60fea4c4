-- What was said to have come of one interaction, oldest first. $1 id.
SELECT d.given_at, d.code, coalesce(c.label, '') AS label, d.note, d.given_by, d.segment,
    coalesce(nullif(a.name, ''), a.interface) AS agent, d.source
FROM ccm.disposition AS d
LEFT JOIN ccm.agent AS a ON a.id = d.agent_id
LEFT JOIN ccm.disposition_code AS c ON c.code = d.code
WHERE d.interaction_id = $1
ORDER BY d.given_at, d.id
