-- Entries: number $1 or null, campaign $2 or null, source $3 or null; only those that hold at $4 unless $5; the newest $6
SELECT e.number, e.prefix, c.name AS campaign, e.source, e.note, e.added_at, e.added_by, e.added_version,
       e.expires_at, e.removed_at, e.removed_by, e.removed_version
FROM ccm.dnc_entry AS e
LEFT JOIN ccm.campaign AS c ON c.id = e.campaign_id
WHERE ($1::text IS NULL OR e.number = $1)
  AND ($2::uuid IS NULL OR e.campaign_id = $2)
  AND ($3::text IS NULL OR e.source = $3)
  AND ($5 OR (e.removed_at IS NULL AND (e.expires_at IS NULL OR e.expires_at > $4)))
ORDER BY e.id DESC
LIMIT $6
