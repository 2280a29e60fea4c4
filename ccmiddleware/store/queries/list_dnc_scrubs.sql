-- When leads were compared with public lists: campaign $1 or null (then all); the newest $2
SELECT c.name AS campaign, s.source, s.version, s.scrubbed_at, s.noted_at, s.noted_by, s.note, s.dnc_version
FROM ccm.dnc_scrub AS s
LEFT JOIN ccm.campaign AS c ON c.id = s.campaign_id
WHERE $1::uuid IS NULL OR s.campaign_id IS NULL OR s.campaign_id = $1
ORDER BY s.scrubbed_at DESC, s.id DESC
LIMIT $2
