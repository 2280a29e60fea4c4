-- Give back the lock of the node with the number $1
SELECT pg_advisory_unlock(1667460354, $1::integer)
