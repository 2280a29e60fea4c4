-- Days of campaign $1 from $2 to $3, the last one included, as report.campaign_day has them
SELECT * FROM report.campaign_day WHERE campaign = $1 AND day >= $2::date AND day <= $3::date ORDER BY day
