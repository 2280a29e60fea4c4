-- report.coverage: for each node and hour, how much of its interactions was seen happening.
--
-- Hours are those of the session's time zone; they begin with the first interaction or the first link
-- of the node. A condition on interval_start reads the rows of those hours only.
CREATE OR REPLACE VIEW report.coverage AS
SELECT
    n.name AS node,
    h.interval_start,
    h.interval_start + interval '1 hour' AS interval_end,
    c.interactions,
    c.interactions - c.inferred - c.queue_log_only AS observed,
    c.inferred AS partly_inferred,
    c.queue_log_only,
    report.ratio(c.interactions - c.inferred - c.queue_log_only, c.interactions) AS observed_rate,
    round(extract(epoch FROM h.interval_end - h.interval_start) - coalesce(l.seconds, 0), 3)
        AS without_link_seconds
FROM ccm.node n
CROSS JOIN LATERAL (
    SELECT least(
        (SELECT min(started_at) FROM ccm.interaction WHERE node_id = n.id),
        (SELECT min(started_at) FROM ccm.link_interval WHERE node_id = n.id)) AS at
) f
CROSS JOIN LATERAL (
    SELECT s AS interval_start, least(s + interval '1 hour', report.now()) AS interval_end
    FROM generate_series(date_trunc('hour', f.at), report.now(), interval '1 hour') AS s
    WHERE s < report.now()
) h
CROSS JOIN LATERAL (
    SELECT
        count(*) AS interactions,
        count(*) FILTER (WHERE p.made) AS queue_log_only,
        count(*) FILTER (WHERE p.inferred AND NOT p.made) AS inferred
    FROM ccm.interaction i
    CROSS JOIN LATERAL (
        SELECT
            EXISTS (
                SELECT FROM ccm.interaction_event e
                WHERE e.interaction_id = i.id AND e.key = 'made_from_queue_log') AS made,
            i.inferred
                OR EXISTS (
                    SELECT FROM ccm.queue_visit v WHERE v.interaction_id = i.id AND v.inferred)
                OR EXISTS (
                    SELECT FROM ccm.segment s WHERE s.interaction_id = i.id AND s.inferred)
                AS inferred
    ) p
    WHERE i.node_id = n.id
        AND i.started_at >= h.interval_start
        AND i.started_at < h.interval_start + interval '1 hour'
) c
CROSS JOIN LATERAL (
    -- range_agg merges what overlaps, as when two daemons followed one node for a moment.
    SELECT (
        SELECT sum(extract(epoch FROM upper(part) - lower(part)))
        FROM unnest(range_agg(tstzrange(
            greatest(k.started_at, h.interval_start), least(k.seen_until, h.interval_end)))) part
    ) AS seconds
    FROM ccm.link_interval k
    WHERE k.node_id = n.id AND k.started_at < h.interval_end AND k.seen_until > h.interval_start
) l;

COMMENT ON VIEW report.coverage IS
    'One row for each node and hour: how much of its interactions was seen happening. Filter by interval_start';
COMMENT ON COLUMN report.coverage.node IS 'Name of the Asterisk';
COMMENT ON COLUMN report.coverage.interval_start IS 'Begin of the hour, in the session''s time zone';
COMMENT ON COLUMN report.coverage.interval_end IS 'End of the hour';
COMMENT ON COLUMN report.coverage.interactions IS 'Interactions that began in this hour';
COMMENT ON COLUMN report.coverage.observed IS 'Those of which everything was seen happening';
COMMENT ON COLUMN report.coverage.partly_inferred IS
    'Those of which some was concluded afterwards, from Asterisk''s lists or from queue_log';
COMMENT ON COLUMN report.coverage.queue_log_only IS
    'Those of which nothing was seen, and which are known from queue_log alone';
COMMENT ON COLUMN report.coverage.observed_rate IS 'observed / interactions';
COMMENT ON COLUMN report.coverage.without_link_seconds IS
    'Seconds of this hour, up to now, in which no daemon had a link to this Asterisk';
