-- report.attempt: one row for each attempt to reach a lead, with its permit.
CREATE OR REPLACE VIEW report.attempt AS
SELECT
    a.id,
    c.name AS campaign,
    a.claimed_at,
    a.lead_id,
    l.external_id,
    l.name AS lead,
    a.ordinal,
    a.number,
    a.mode,
    a.node,
    a.trunk,
    a.caller_id,
    a.dialed_at,
    a.answered_at,
    a.greeting_end_at,
    a.connected_at,
    a.ended_at,
    a.result,
    a.cause,
    a.live,
    a.dropped,
    a.opted_out,
    a.detected,
    a.detection_ms,
    a.sampled,
    agent.name AS agent,
    a.interface,
    report.seconds(a.dialed_at, coalesce(a.answered_at, a.ended_at)) AS ring_seconds,
    report.seconds(coalesce(a.greeting_end_at, a.answered_at), a.connected_at) AS agent_seconds,
    report.seconds(a.connected_at, a.ended_at) AS talk_seconds,
    a.chance,
    (SELECT i.id
     FROM ccm.interaction i
     WHERE ccm.attempt_of(i.linkedid) = a.id
         -- Its id has the second of the claim. Postgres knows nothing of how the values of a partial index are spread,
         -- and reads all that lies between the bounds.
         AND i.id >= ccm.uuid7_bound(a.claimed_at - interval '15 minutes')
         AND i.id < ccm.uuid7_bound(a.claimed_at + interval '15 minutes')
     LIMIT 1) AS interaction_id,
    a.inferred,
    a.note,
    p.attempt_id IS NOT NULL AS permitted,
    p.profile,
    p.campaign_revision,
    p.evidence,
    p.open_until,
    p.window_rule,
    p.caps,
    p.calls_before,
    p.dnc_version,
    scrub.scrubbed_at,
    p.consent,
    p.seller_name,
    p.seller_number,
    p.purpose,
    p.agent_guaranteed,
    a.callback_id
FROM ccm.attempt AS a
JOIN ccm.campaign AS c ON c.id = a.campaign_id
JOIN ccm.lead AS l ON l.id = a.lead_id
LEFT JOIN ccm.permit AS p ON p.attempt_id = a.id
LEFT JOIN ccm.dnc_scrub AS scrub ON scrub.id = p.dnc_scrub_id
LEFT JOIN ccm.node AS n ON n.name = a.node
LEFT JOIN ccm.agent AS agent ON agent.node_id = n.id AND agent.interface = a.interface AND a.interface <> '';
COMMENT ON VIEW report.attempt IS 'Attempts of campaigns to reach leads, each with the permit that made it lawful';
COMMENT ON COLUMN report.attempt.id IS 'Id of the attempt';
COMMENT ON COLUMN report.attempt.campaign IS 'Campaign';
COMMENT ON COLUMN report.attempt.claimed_at IS 'When the lead was claimed and the permit given';
COMMENT ON COLUMN report.attempt.lead_id IS 'Number of the lead';
COMMENT ON COLUMN report.attempt.external_id IS 'Id of the lead in the system it came from';
COMMENT ON COLUMN report.attempt.lead IS 'Name of the lead';
COMMENT ON COLUMN report.attempt.ordinal IS 'First, second, … attempt of this lead';
COMMENT ON COLUMN report.attempt.number IS 'Number that was called';
COMMENT ON COLUMN report.attempt.mode IS 'Mode in which the campaign dialled';
COMMENT ON COLUMN report.attempt.node IS 'Asterisk node that dialled';
COMMENT ON COLUMN report.attempt.trunk IS 'Trunk';
COMMENT ON COLUMN report.attempt.caller_id IS 'Number that was shown';
COMMENT ON COLUMN report.attempt.dialed_at IS 'When Asterisk took the order to dial';
COMMENT ON COLUMN report.attempt.answered_at IS 'When it was answered, by whomever; null when it was not';
COMMENT ON COLUMN report.attempt.greeting_end_at IS 'When the party stopped to greet, where that was measured';
COMMENT ON COLUMN report.attempt.connected_at IS 'When an agent was on the line';
COMMENT ON COLUMN report.attempt.ended_at IS 'When it was over';
COMMENT ON COLUMN report.attempt.result IS
    'connected, dropped, hung_up (before the agent''s time was over), machine, no_answer, busy, failed, unknown; null while it goes on';
COMMENT ON COLUMN report.attempt.cause IS 'Q.850 cause, where Asterisk told one';
COMMENT ON COLUMN report.attempt.live IS 'Whether a person answered';
COMMENT ON COLUMN report.attempt.dropped IS 'Whether no agent was there in time, even if one came later';
COMMENT ON COLUMN report.attempt.opted_out IS 'Whether the party pressed the key for no further calls';
COMMENT ON COLUMN report.attempt.detected IS 'What detection of machines took the party for: human, machine; null where nothing was detected';
COMMENT ON COLUMN report.attempt.detection_ms IS 'Milliseconds from the answer until that was decided';
COMMENT ON COLUMN report.attempt.sampled IS 'Whether an agent got it though it was taken for a machine';
COMMENT ON COLUMN report.attempt.agent IS 'Agent who talked; null when there was none';
COMMENT ON COLUMN report.attempt.interface IS 'Interface of that agent';
COMMENT ON COLUMN report.attempt.ring_seconds IS 'answered_at, or ended_at, - dialed_at';
COMMENT ON COLUMN report.attempt.agent_seconds IS
    'connected_at - greeting_end_at, or - answered_at where the greeting was not measured: what the two-second rule is about';
COMMENT ON COLUMN report.attempt.talk_seconds IS 'ended_at - connected_at';
COMMENT ON COLUMN report.attempt.chance IS 'Probability of an answer by a person, as estimated when it was claimed';
COMMENT ON COLUMN report.attempt.interaction_id IS 'The interaction that came of it; null when the call never came to a queue';
COMMENT ON COLUMN report.attempt.inferred IS 'True when its end was concluded and not seen';
COMMENT ON COLUMN report.attempt.note IS 'What is to be known besides';
COMMENT ON COLUMN report.attempt.permitted IS 'Whether it has its permit: always true';
COMMENT ON COLUMN report.attempt.profile IS 'Profile of rules that held, with its edition';
COMMENT ON COLUMN report.attempt.campaign_revision IS 'Revision of the campaign''s settings that held';
COMMENT ON COLUMN report.attempt.evidence IS 'What said where the party is';
COMMENT ON COLUMN report.attempt.open_until IS 'Until when the calling window was open';
COMMENT ON COLUMN report.attempt.window_rule IS 'Source of the rule that closes it';
COMMENT ON COLUMN report.attempt.caps IS 'Limits of how often the party may be called that held';
COMMENT ON COLUMN report.attempt.calls_before IS 'Calls to the party within each of these limits, before this one';
COMMENT ON COLUMN report.attempt.dnc_version IS 'Version of the do-not-call list with which it was compared';
COMMENT ON COLUMN report.attempt.scrubbed_at IS 'Of what time the public list was with which leads were last compared';
COMMENT ON COLUMN report.attempt.consent IS 'Consent of the party, in the words of the file; empty when none is known';
COMMENT ON COLUMN report.attempt.seller_name IS 'In whose name was called';
COMMENT ON COLUMN report.attempt.seller_number IS 'Number at which the seller is reached';
COMMENT ON COLUMN report.attempt.purpose IS 'What the call was about';
COMMENT ON COLUMN report.attempt.agent_guaranteed IS 'Whether an agent was kept free for it';
COMMENT ON COLUMN report.attempt.callback_id IS 'The promise (report.lead_callback) that it was to keep; null for any other call';
