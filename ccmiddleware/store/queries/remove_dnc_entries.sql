-- Take away standing entries of numbers $1 (prefixes where $2); source $3 or null, campaign $4 or, where $5, any; by $6, version $7
UPDATE ccm.dnc_entry AS e
SET removed_at = now(), removed_by = $6, removed_version = $7
FROM unnest($1::text[], $2::boolean[]) AS f (number, prefix)
WHERE e.number = f.number AND e.prefix = f.prefix AND e.removed_at IS NULL
  AND ($3::text IS NULL OR e.source = $3)
  AND ($5 OR e.campaign_id IS NOT DISTINCT FROM $4)
RETURNING e.number, e.prefix, e.source
