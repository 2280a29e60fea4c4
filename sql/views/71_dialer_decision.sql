-- report.dialer_decision: how many calls each campaign decided to begin, and what that was made of.
--
-- What the controller tells (ccmiddleware/dialer/pacing/decision.py) is in columns here; they are null where something
-- else decided, such as that no agent is there. `ccm campaign explain` says a row in words.
CREATE OR REPLACE VIEW report.dialer_decision AS
SELECT
    c.name AS campaign,
    d.at,
    c.node,
    c.queue,
    d.number,
    d.claimed,
    d.reason,
    d.detail ->> 'held_by' AS held_by,
    (d.detail ->> 'agents')::numeric::integer AS agents_there,
    (d.detail ->> 'idle')::numeric::integer AS agents_idle,
    (d.detail ->> 'talking')::numeric::integer AS agents_talking,
    (d.detail ->> 'wrapping')::numeric::integer AS agents_wrap_up,
    (d.detail ->> 'leaving')::numeric::integer AS agents_leaving,
    (d.detail ->> 'away')::numeric::integer AS agents_away,
    (d.detail ->> 'in_flight')::numeric::integer AS calls_ringing,
    (d.detail ->> 'waiting')::numeric::integer AS people_waiting,
    round((d.detail ->> 'answer_probability')::numeric, 4) AS answer_rate,
    round((d.detail ->> 'answer_deviation')::numeric, 4) AS answer_deviation_rate,
    round((d.detail ->> 'usual_answer_probability')::numeric, 4) AS usual_answer_rate,
    round((d.detail ->> 'mean_talk')::numeric, 1) AS average_talk_seconds,
    round((d.detail ->> 'mean_wrap')::numeric, 1) AS average_wrap_up_seconds,
    round((d.detail ->> 'soon')::numeric, 1) AS soon_seconds,
    round((d.detail ->> 'answers_soon')::numeric, 2) AS answers_soon,
    round((d.detail ->> 'free_soon')::numeric, 2) AS free_soon,
    round((d.detail ->> 'bound')::numeric, 6) AS bound_rate,
    round((d.detail ->> 'risk')::numeric, 6) AS risk_rate,
    round((d.detail ->> 'next_risk')::numeric, 6) AS next_risk_rate,
    round((d.detail ->> 'answers')::numeric)::bigint AS window_live,
    round((d.detail ->> 'abandoned')::numeric)::bigint AS window_drops,
    report.ratio((d.detail ->> 'abandoned')::numeric, (d.detail ->> 'answers')::numeric) AS window_drop_rate,
    round((d.detail ->> 'slack')::numeric, 2) AS drops_left,
    round((d.detail ->> 'limit')::numeric, 4) AS limit_rate,
    d.detail ->> 'go_on' AS go_on,
    (d.detail ->> 'trunk_room')::numeric::integer AS trunk_room,
    (d.detail ->> 'open_places')::numeric::integer AS open_places,
    (d.detail ->> 'places')::numeric::integer AS places,
    d.term,
    d.detail
FROM ccm.campaign_decision AS d
JOIN ccm.campaign AS c ON c.id = d.campaign_id;

COMMENT ON VIEW report.dialer_decision IS
    'One row for each decision how many calls to begin. With number 0 and the same reason as the one before, one a minute is kept; every one with a number is. Columns of the controller are null where it was not asked. Filter by at and campaign.';
COMMENT ON COLUMN report.dialer_decision.campaign IS 'Campaign';
COMMENT ON COLUMN report.dialer_decision.at IS 'When';
COMMENT ON COLUMN report.dialer_decision.node IS 'Asterisk node that dials, as it is set now';
COMMENT ON COLUMN report.dialer_decision.queue IS 'Queue whose agents talk, as it is set now';
COMMENT ON COLUMN report.dialer_decision.number IS 'How many calls were to be begun';
COMMENT ON COLUMN report.dialer_decision.claimed IS 'How many leads could be claimed for them, and so how many calls were begun';
COMMENT ON COLUMN report.dialer_decision.reason IS
    'What decided: pacing (the controller), promises (callbacks that were due), no_agents, paused, closed (no place may be called now), trunks (no room in them or in the campaign''s own limits), budget (the drop ledger), leads (none at present), inbound (agents kept for calls that come in), offers (preview: leads offered to agents, none of them claimed then), check, over';
COMMENT ON COLUMN report.dialer_decision.held_by IS
    'What kept the controller''s number from being larger: bound, idle agents, nobody there, cold start, budget used up, recovery guard, lines per agent, lines, calls per decision, no leads, end of the shift, switched off, clock, fault';
COMMENT ON COLUMN report.dialer_decision.agents_there IS 'Agents who counted for the campaign';
COMMENT ON COLUMN report.dialer_decision.agents_idle IS 'Of them, idle';
COMMENT ON COLUMN report.dialer_decision.agents_talking IS 'Of them, in a talk';
COMMENT ON COLUMN report.dialer_decision.agents_wrap_up IS 'Of them, in wrap-up';
COMMENT ON COLUMN report.dialer_decision.agents_leaving IS 'Of the three, with a pause or logout asked for';
COMMENT ON COLUMN report.dialer_decision.agents_away IS 'Of them, paused or busy otherwise';
COMMENT ON COLUMN report.dialer_decision.calls_ringing IS 'Calls in flight: dialled, and neither answered nor over';
COMMENT ON COLUMN report.dialer_decision.people_waiting IS 'People who had answered and had met no agent yet';
COMMENT ON COLUMN report.dialer_decision.answer_rate IS 'Estimate: probability that a person answers a call of which nothing is known';
COMMENT ON COLUMN report.dialer_decision.answer_deviation_rate IS 'Standard deviation of that estimate';
COMMENT ON COLUMN report.dialer_decision.usual_answer_rate IS 'The same estimate over about the last hour';
COMMENT ON COLUMN report.dialer_decision.average_talk_seconds IS 'Estimate of the mean talk, in seconds';
COMMENT ON COLUMN report.dialer_decision.average_wrap_up_seconds IS 'Estimate of the mean wrap-up, in seconds';
COMMENT ON COLUMN report.dialer_decision.soon_seconds IS 'Seconds within which half of all answers come; the two that follow are within that time';
COMMENT ON COLUMN report.dialer_decision.answers_soon IS 'Expected number of answers of ringing calls';
COMMENT ON COLUMN report.dialer_decision.free_soon IS 'Expected number of busy agents who become free';
COMMENT ON COLUMN report.dialer_decision.bound_rate IS
    'Largest probability to be dropped with which a call was allowed; 0: idle agents only';
COMMENT ON COLUMN report.dialer_decision.risk_rate IS 'That probability for the last call begun, or for the first that was not';
COMMENT ON COLUMN report.dialer_decision.next_risk_rate IS 'That probability for one call more';
COMMENT ON COLUMN report.dialer_decision.window_live IS 'Budget: calls that people answered in the controller''s window';
COMMENT ON COLUMN report.dialer_decision.window_drops IS 'Budget: of these, dropped';
COMMENT ON COLUMN report.dialer_decision.window_drop_rate IS 'Budget: window_drops / window_live';
COMMENT ON COLUMN report.dialer_decision.drops_left IS 'Budget: how many drops the limit still allowed; below 0 when it was exceeded';
COMMENT ON COLUMN report.dialer_decision.limit_rate IS 'Budget: largest share of answered calls that may be dropped';
COMMENT ON COLUMN report.dialer_decision.go_on IS
    'What the drop ledger allowed: normal, progressive (nobody ahead of an agent), stop';
COMMENT ON COLUMN report.dialer_decision.trunk_room IS 'Calls for which the trunks had room';
COMMENT ON COLUMN report.dialer_decision.open_places IS 'Places of its leads that might be called; 0 where no leads were looked for';
COMMENT ON COLUMN report.dialer_decision.places IS 'Places that its leads have; 0 where no leads were looked for';
COMMENT ON COLUMN report.dialer_decision.term IS 'Term of the leader of the node';
COMMENT ON COLUMN report.dialer_decision.detail IS 'All that was stored with it';
