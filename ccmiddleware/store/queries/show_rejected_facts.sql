-- How many facts Postgres refused, and why the last of them.
SELECT count(*) AS total,
       coalesce((SELECT reason FROM ccm.rejected_fact ORDER BY id DESC LIMIT 1), '') AS reason
FROM ccm.rejected_fact
