-- What a simulation of campaign $1 needs to know of its calls since $3: shares, ring times, talks, wrap-up, agents on a day of zone $2
WITH seen AS (
    SELECT a.id, a.claimed_at, a.result, a.live, a.connected_at, a.ended_at,
        a.node, nullif(a.interface, '') AS interface,
        report.seconds(a.dialed_at, coalesce(a.answered_at, a.ended_at)) AS ring
    FROM ccm.attempt AS a
    WHERE a.campaign_id = $1 AND a.claimed_at >= $3 AND a.result <> 'unknown'
), talk AS (
    SELECT coalesce(t.talk, report.seconds(s.connected_at, s.ended_at)) AS talk, coalesce(t.wrap_up, 0) AS wrap_up
    FROM seen AS s
    -- LIMIT makes it a look-up for each call.
    LEFT JOIN LATERAL (
        SELECT report.seconds(e.answered_at, e.ended_at) AS talk, e.wrap_up_seconds::numeric AS wrap_up
        FROM ccm.interaction AS i
        JOIN ccm.segment AS e ON e.interaction_id = i.id
        WHERE ccm.attempt_of(i.linkedid) = s.id
            -- As in report.agent_campaign_day.
            AND i.id >= ccm.uuid7_bound(s.claimed_at - interval '1 minute')
            AND i.id < ccm.uuid7_bound(s.claimed_at + interval '1 minute')
        LIMIT 1
    ) AS t ON true
    WHERE s.connected_at IS NOT NULL
), calls AS (
    SELECT count(*) AS attempts, count(*) FILTER (WHERE live) AS live,
        count(*) FILTER (WHERE result = 'machine') AS machines,
        count(*) FILTER (WHERE result IN ('busy', 'failed')) AS failed,
        avg(ring) FILTER (WHERE live) AS ring_mean, stddev_samp(ring) FILTER (WHERE live) AS ring_deviation,
        avg(ring) FILTER (WHERE result = 'no_answer') AS no_answer_mean
    FROM seen
), talks AS (
    SELECT count(talk) AS talks, avg(talk) AS talk_mean, stddev_samp(talk) AS talk_deviation,
        avg(wrap_up) AS wrap_mean, stddev_samp(wrap_up) AS wrap_deviation
    FROM talk
)
SELECT calls.*, talks.*,
    (SELECT coalesce(avg(d.agents), 0)
     FROM (
         SELECT count(DISTINCT (node, interface)) AS agents FROM seen
         WHERE connected_at IS NOT NULL AND interface IS NOT NULL
         GROUP BY (claimed_at AT TIME ZONE $2)::date) AS d) AS agents
FROM calls, talks
