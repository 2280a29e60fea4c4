-- Keep facts that came too late to be applied
INSERT INTO ccm.late_fact (fact)
SELECT f.fact FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS f (fact, place) ORDER BY f.place
