-- The link to node $1 is $2 (up or down) since $3, for reason $4, Asterisk of version $5 where known
INSERT INTO ccm.node AS t (name, link, link_since, link_reason, version)
VALUES ($1::text, $2::text, $3::timestamptz, $4::text, $5::text)
ON CONFLICT (name) DO UPDATE SET
    link = EXCLUDED.link,
    link_since = EXCLUDED.link_since,
    link_reason = EXCLUDED.link_reason,
    version = CASE WHEN EXCLUDED.version = '' THEN t.version ELSE EXCLUDED.version END
