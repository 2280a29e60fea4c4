-- Daemons on this database that were seen since $1 or have facts that it lacks, newest first
SELECT d.id, d.host, d.pid, d.version, d.started_at, d.seen_at, d.journal_facts, d.journal_bytes,
    CASE
        WHEN d.stopped_at IS NOT NULL THEN 'stopped'
        WHEN d.seen_at > now() - interval '5 seconds' THEN 'alive'
        ELSE 'gone'
    END AS state
FROM ccm.daemon AS d
WHERE d.seen_at >= $1::timestamptz OR d.journal_facts > 0
ORDER BY d.stopped_at IS NOT NULL, d.started_at DESC
