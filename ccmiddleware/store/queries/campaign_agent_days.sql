-- Agents of campaign $1 on its days from $2 to $3, summed up; rates are to be divided anew
SELECT agent, interface, node, count(*) AS days, sum(calls)::bigint AS calls, sum(talk_seconds) AS talk_seconds,
    sum(hold_seconds) AS hold_seconds, sum(wrap_up_seconds) AS wrap_up_seconds,
    sum(unpaused_seconds) AS unpaused_seconds, sum(free_seconds) AS free_seconds,
    report.ratio(sum(talk_seconds + hold_seconds + wrap_up_seconds), sum(unpaused_seconds)) AS utilisation_rate,
    report.ratio(sum(talk_seconds + hold_seconds + wrap_up_seconds),
        sum(talk_seconds + hold_seconds + wrap_up_seconds + free_seconds)) AS occupancy_rate
FROM report.agent_campaign_day
WHERE campaign = $1 AND day >= $2::date AND day <= $3::date
GROUP BY agent, interface, node
ORDER BY calls DESC, agent, interface
