-- Set trunk $1: dial $2, channels $3, calls per second $4, note $5, by $6
INSERT INTO ccm.trunk (name, dial, channels, calls_per_second, note, changed_by)
VALUES ($1, $2, $3, $4::numeric, $5, $6)
ON CONFLICT (name) DO UPDATE
SET dial = excluded.dial, channels = excluded.channels, calls_per_second = excluded.calls_per_second,
    note = excluded.note, changed_by = excluded.changed_by, changed_at = now()
