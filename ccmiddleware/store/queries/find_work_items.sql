-- Work items with the number $1, or whose id, or that of one of whose emails, begins with $2; null for the other
SELECT w.id, w.number
FROM ccm.work_item AS w
WHERE w.number = $1
    OR ($2 <> '' AND w.id IN (
        SELECT coalesce((v.data ->> 'interaction')::uuid, e.id)
        FROM ccm.email AS e
        LEFT JOIN ccm.interaction_event AS v ON v.interaction_id = e.id AND v.key = 'added_to'
        WHERE e.id::text LIKE $2 || '%'))
ORDER BY w.number
LIMIT 2
