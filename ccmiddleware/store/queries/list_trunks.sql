-- Trunks, or the one named $1, with the campaigns that name them
SELECT t.name, t.dial, t.channels, t.calls_per_second, t.note, t.changed_at, t.changed_by,
       array(SELECT c.name FROM ccm.campaign AS c WHERE c.settings -> 'trunks' ? t.name ORDER BY c.name) AS campaigns
FROM ccm.trunk AS t
WHERE $1::text IS NULL OR t.name = $1
ORDER BY t.name
