-- The callbacks whose id begins with $1 or that were asked for in the call $1; two at most
SELECT c.*
FROM report.callback AS c
WHERE $1 <> '' AND (c.id::text LIKE $1 || '%' OR c.call = $1)
ORDER BY c.asked_at DESC
LIMIT 2
