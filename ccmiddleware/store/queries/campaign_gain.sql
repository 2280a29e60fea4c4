-- How busy the agents of campaign $1 were on its days from $2 to $3, beside progressive dialing; as report.predictive_gain, summed up
SELECT s.calls, s.live, s.handle_seconds, s.talk_seconds, s.free_seconds, s.unpaused_seconds, s.ring_seconds,
    report.ratio(s.handle_seconds, s.unpaused_seconds) AS utilisation_rate,
    report.ratio(s.handle_seconds, s.handle_seconds + s.free_seconds) AS occupancy_rate,
    report.ratio(h.handle, h.handle + h.search) AS progressive_occupancy_rate,
    round(3600 * s.talk_seconds / nullif(s.handle_seconds + s.free_seconds, 0), 1) AS talk_per_hour_seconds,
    round(3600 * h.talk / nullif(h.handle + h.search, 0), 1) AS progressive_talk_per_hour_seconds
FROM (
    SELECT sum(calls) AS calls, sum(live) AS live, sum(handle_seconds) AS handle_seconds,
        sum(talk_seconds) AS talk_seconds, sum(free_seconds) AS free_seconds,
        sum(unpaused_seconds) AS unpaused_seconds, sum(ring_seconds) AS ring_seconds
    FROM report.predictive_gain
    WHERE campaign = $1 AND day >= $2::date AND day <= $3::date
) AS s
CROSS JOIN LATERAL (
    SELECT s.handle_seconds / nullif(s.calls, 0) AS handle, s.talk_seconds / nullif(s.calls, 0) AS talk,
        s.ring_seconds / nullif(s.live, 0) AS search
) AS h
WHERE s.calls > 0
