-- How many recordings there are, for a progress bar. $1 only those asked for since then, or null.
SELECT count(*) AS total
FROM ccm.recording
WHERE $1::timestamptz IS NULL OR recording.started_at >= $1
