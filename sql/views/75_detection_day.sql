-- report.detection_day: how detection of machines did, by campaign and day.
CREATE OR REPLACE VIEW report.detection_day AS
SELECT
    c.name AS campaign,
    d.day,
    d.time_zone,
    d.human + d.machine AS detected,
    d.human,
    d.machine,
    d.sampled,
    d.heard,
    d.persons AS false_positives,
    report.ratio(d.persons, d.heard) AS false_positive_rate,
    (d.machine - d.sampled) * report.ratio(d.persons, d.heard) AS estimated_false_positives,
    d.median_ms,
    d.p95_ms,
    d.longest_ms
FROM (
    SELECT
        a.campaign_id,
        z.time_zone,
        (a.claimed_at AT TIME ZONE z.time_zone)::date AS day,
        count(*) FILTER (WHERE a.detected = 'human') AS human,
        count(*) FILTER (WHERE a.detected = 'machine') AS machine,
        count(*) FILTER (WHERE a.sampled) AS sampled,
        count(said.effect) FILTER (WHERE a.sampled) AS heard,
        count(*) FILTER (WHERE a.sampled AND said.effect <> 'machine') AS persons,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY a.detection_ms) AS median_ms,
        percentile_disc(0.95) WITHIN GROUP (ORDER BY a.detection_ms) AS p95_ms,
        max(a.detection_ms) AS longest_ms
    FROM ccm.attempt AS a
    JOIN ccm.campaign AS k ON k.id = a.campaign_id
    CROSS JOIN LATERAL (SELECT coalesce(k.settings ->> 'time_zone', 'UTC') AS time_zone) AS z
    LEFT JOIN LATERAL (
        SELECT l.effect FROM ccm.lead_disposition AS l
        WHERE l.attempt_id = a.id AND a.sampled AND l.effect <> 'none'
        ORDER BY l.applied_at DESC, l.disposition_id DESC LIMIT 1) AS said ON true
    WHERE a.detected IS NOT NULL
    GROUP BY a.campaign_id, z.time_zone, 3
) AS d
JOIN ccm.campaign AS c ON c.id = d.campaign_id;
COMMENT ON VIEW report.detection_day IS
    'How detection of answering machines did for each campaign and day of its own time zone: how soon it decided, and how often agents who heard a sample said that it was wrong';
COMMENT ON COLUMN report.detection_day.campaign IS 'Campaign';
COMMENT ON COLUMN report.detection_day.day IS 'Day, by the moment in which leads were claimed';
COMMENT ON COLUMN report.detection_day.time_zone IS 'Time zone in which the campaign counts days';
COMMENT ON COLUMN report.detection_day.detected IS 'Answered calls about which detection decided';
COMMENT ON COLUMN report.detection_day.human IS 'Of these, taken for persons, or not told apart in time';
COMMENT ON COLUMN report.detection_day.machine IS 'Taken for machines';
COMMENT ON COLUMN report.detection_day.sampled IS 'Of those, put through to an agent to hear';
COMMENT ON COLUMN report.detection_day.heard IS 'Of those, with a code by an agent that means something in the campaign';
COMMENT ON COLUMN report.detection_day.false_positives IS 'Of those, where the code does not mean machine: a person was taken for one';
COMMENT ON COLUMN report.detection_day.false_positive_rate IS 'false_positives / heard';
COMMENT ON COLUMN report.detection_day.estimated_false_positives IS
    'false_positive_rate times the machines that nobody heard: persons who were hung up on. The ledger counts them as answered and dropped, with the rate of 30 days';
COMMENT ON COLUMN report.detection_day.median_ms IS 'Median of the milliseconds from the answer until detection decided';
COMMENT ON COLUMN report.detection_day.p95_ms IS 'Within so many milliseconds it had decided 95 % of them';
COMMENT ON COLUMN report.detection_day.longest_ms IS 'The longest that it took; detection_seconds of the campaign caps it';
