-- Take the lock of the node with the number $1, if nobody holds it
SELECT pg_try_advisory_lock(1667460354, $1::integer)
