-- Take away entries that numbers $1 (prefixes where $2) of source $5 and campaign $6 hold shorter than until $3; by $7 in version $8
UPDATE ccm.dnc_entry AS e
SET removed_at = now(), removed_by = $7, removed_version = $8
FROM unnest($1::text[], $2::boolean[], $3::timestamptz[], $4::text[]) AS f (number, prefix, expires_at, note)
WHERE e.number = f.number AND e.prefix = f.prefix AND e.source = $5
  AND e.campaign_id IS NOT DISTINCT FROM $6 AND e.removed_at IS NULL
  AND e.expires_at IS NOT NULL AND (f.expires_at IS NULL OR f.expires_at > e.expires_at)
