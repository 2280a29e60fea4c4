-- The emails $1 open work items, one after the other, or belong to the open ones of their conversations; those items' ids
SELECT ccm.open_work(e.id) FROM unnest($1::uuid[]) WITH ORDINALITY AS e (id, n) ORDER BY e.n
