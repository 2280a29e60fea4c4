-- Put a fact that can't be stored aside, once; $1 the fact, $2 SQLSTATE, $3 the reason
INSERT INTO ccm.rejected_fact (fact, sqlstate, reason)
SELECT $1::jsonb, $2::text, $3::text
WHERE NOT EXISTS (
    SELECT FROM ccm.rejected_fact AS r WHERE r.fact = $1::jsonb AND r.sqlstate = $2::text
)
