-- Wait until every batch on the node with the number $1 is written, and let none begin
SELECT pg_advisory_xact_lock(1667460355, $1::integer)
