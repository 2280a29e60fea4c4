-- The agents who took the work item $1 at some time
SELECT a.id, a.email, coalesce(nullif(a.name, ''), a.interface) AS name
FROM ccm.agent AS a
WHERE a.id IN (
    SELECT s.agent_id FROM ccm.segment AS s WHERE s.interaction_id = $1
    UNION ALL
    SELECT w.agent_id FROM ccm.work_item AS w WHERE w.id = $1
)
ORDER BY a.id
