-- The promises whose id begins with $1; two at most
SELECT c.* FROM report.lead_callback AS c WHERE $1 <> '' AND c.id::text LIKE $1 || '%' ORDER BY c.made_at DESC LIMIT 2
