-- The report views and what each is for. $1 one view, or null for all.
SELECT pg_class.relname AS view,
       coalesce(obj_description(pg_class.oid, 'pg_class'), '') AS description,
       array_agg(pg_attribute.attname::text ORDER BY pg_attribute.attnum) AS columns
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pg_class.relnamespace
JOIN pg_catalog.pg_attribute ON pg_attribute.attrelid = pg_class.oid
    AND pg_attribute.attnum > 0 AND NOT pg_attribute.attisdropped
WHERE pg_namespace.nspname = 'report' AND pg_class.relkind IN ('v', 'm')
  AND ($1::text IS NULL OR pg_class.relname = $1)
GROUP BY pg_class.oid, pg_class.relname
ORDER BY pg_class.relname
