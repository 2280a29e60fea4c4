-- The daemon $1 runs now: host, process, version
INSERT INTO ccm.daemon AS t (id, host, pid, version, started_at, seen_at)
VALUES ($1::uuid, $2::text, $3::integer, $4::text, now(), now())
ON CONFLICT (id) DO UPDATE SET
    host = EXCLUDED.host,
    pid = EXCLUDED.pid,
    version = EXCLUDED.version,
    started_at = now(),
    seen_at = now(),
    stopped_at = NULL
