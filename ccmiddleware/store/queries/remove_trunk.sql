-- Remove trunk $1, unless a campaign names it
DELETE FROM ccm.trunk AS t
WHERE t.name = $1 AND NOT EXISTS (SELECT FROM ccm.campaign AS c WHERE c.settings -> 'trunks' ? t.name)
RETURNING t.name
