-- All that the do-not-call list ever had about number $1
SELECT d.* FROM report.dnc AS d
WHERE d.number = ANY (ccm.beginnings_of_number($1)) AND (d.prefix OR d.number = $1)
ORDER BY d.added_at
