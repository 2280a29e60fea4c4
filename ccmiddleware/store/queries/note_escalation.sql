-- $4 was done about the deadline of conversation $1, goal $2 and ordinal $3: for item $5 with priority $6 at least, at $7, as data $8
WITH clock AS (
    UPDATE ccm.service_clock AS k
    SET steps = ARRAY (SELECT DISTINCT s FROM unnest(k.steps || $4::text[]) AS s)
    WHERE k.conversation_id = $1 AND k.goal = $2 AND k.ordinal = $3
), item AS (
    UPDATE ccm.work_item SET priority = greatest(priority, $6::integer) WHERE id = $5 AND $6::integer IS NOT NULL
)
SELECT ccm.work_event($5, 'escalated:' || $2 || ':' || $3 || ':' || array_to_string($4::text[], '+'), 'escalated', $7, $8::jsonb)
