-- New entries: numbers $1, prefixes $2, until $3, notes $4; source $5, campaign $6, by $7, version $8
INSERT INTO ccm.dnc_entry (number, prefix, expires_at, note, source, campaign_id, added_by, added_version)
SELECT f.number, f.prefix, f.expires_at, f.note, $5, $6, $7, $8
FROM unnest($1::text[], $2::boolean[], $3::timestamptz[], $4::text[]) AS f (number, prefix, expires_at, note)
ON CONFLICT DO NOTHING
