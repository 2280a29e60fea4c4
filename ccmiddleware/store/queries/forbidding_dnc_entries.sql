-- The entries that forbid number $1 at $2: for all campaigns, and for $3, or for any where that is null
SELECT e.number, e.prefix, c.name AS campaign, e.source, e.note, e.added_at, e.added_by, e.expires_at
FROM ccm.dnc_entry AS e
LEFT JOIN ccm.campaign AS c ON c.id = e.campaign_id
WHERE e.number = ANY (ccm.beginnings_of_number($1)) AND (e.prefix OR e.number = $1)
  AND e.removed_at IS NULL AND (e.expires_at IS NULL OR e.expires_at > $2)
  AND ($3::uuid IS NULL OR e.campaign_id IS NULL OR e.campaign_id = $3)
ORDER BY e.id
