-- Make the monthly partitions for $2 months from the month of $1 on; returns how many were missing
SELECT ccm.ensure_partitions($1::timestamptz, $2::integer)
