-- report.interaction: one row for each interaction, with what its visits, offers, segments and
-- recordings come to.
--
-- The LATERAL parts look up the rows of one interaction by its id, which also picks the
-- partition. An end that was never seen is cut off at the end of the interaction, so that a lost
-- event can't make a wait that grows for ever.
CREATE OR REPLACE VIEW report.interaction AS
SELECT
    i.id,
    n.name AS node,
    i.channel,
    i.direction,
    i.caller_num AS caller,
    i.caller_name,
    coalesce(nullif(i.did, ''), t.caller_id, '') AS did,
    v.queues[1] AS first_queue,
    v.queues[cardinality(v.queues)] AS last_queue,
    coalesce(v.queues, '{}') AS queues,
    coalesce(s.agents, '{}') AS agents,
    i.started_at,
    i.ended_at,
    coalesce(v.wait_seconds, 0) AS wait_seconds,
    coalesce(o.ring_seconds, 0) AS ring_seconds,
    coalesce(s.talk_seconds, 0) AS talk_seconds,
    coalesce(s.hold_seconds, 0) AS hold_seconds,
    coalesce(s.wrap_up_seconds, 0) AS wrap_up_seconds,
    coalesce(s.talk_seconds + s.hold_seconds + s.wrap_up_seconds, 0) AS handle_seconds,
    CASE WHEN t.dropped AND i.outcome = 'abandoned' THEN 'dropped' ELSE i.outcome END AS outcome,
    i.state,
    s.segments,
    s.transfers,
    o.offers,
    o.ring_no_answers,
    r.recordings,
    coalesce(r.recording_states, '{}') AS recording_states,
    (SELECT d.code
     FROM ccm.disposition d
     WHERE d.interaction_id = i.id
     ORDER BY d.given_at DESC, d.id DESC
     LIMIT 1) AS disposition,
    i.inferred OR coalesce(v.inferred, false) OR coalesce(s.inferred, false) AS inferred,
    t.campaign,
    t.id AS attempt_id
FROM ccm.interaction i
JOIN ccm.node n ON n.id = i.node_id
CROSS JOIN LATERAL (
    SELECT
        array_agg(q.name ORDER BY visit.ordinal) AS queues,
        sum(report.seconds(visit.joined_at,
            coalesce(visit.answered_at, visit.left_at, i.ended_at, report.now()))) AS wait_seconds,
        bool_or(visit.inferred) AS inferred
    FROM ccm.queue_visit visit
    JOIN ccm.queue q ON q.id = visit.queue_id
    WHERE visit.interaction_id = i.id
) v
CROSS JOIN LATERAL (
    SELECT
        array_agg(coalesce(nullif(a.name, ''), a.interface) ORDER BY segment.ordinal) AS agents,
        sum(greatest(report.seconds(segment.answered_at,
            coalesce(segment.ended_at, i.ended_at, report.now()))
            - round(segment.hold_seconds::numeric, 3), 0)) AS talk_seconds,
        sum(round(segment.hold_seconds::numeric, 3)) AS hold_seconds,
        sum(round(segment.wrap_up_seconds::numeric, 3)) AS wrap_up_seconds,
        count(*) AS segments,
        count(*) FILTER (WHERE segment.ended_by = 'transfer') AS transfers,
        bool_or(segment.inferred) AS inferred
    FROM ccm.segment
    JOIN ccm.agent a ON a.id = segment.agent_id
    WHERE segment.interaction_id = i.id
) s
CROSS JOIN LATERAL (
    SELECT
        count(*) AS offers,
        count(*) FILTER (WHERE offer.outcome = 'ring_no_answer') AS ring_no_answers,
        -- range_agg merges what overlaps: phones that ring together count once.
        (SELECT sum(report.seconds(lower(part), upper(part)))
         FROM unnest(range_agg(tstzrange(offer.offered_at,
            greatest(coalesce(offer.ended_at, i.ended_at, report.now()), offer.offered_at)))) part
        ) AS ring_seconds
    FROM ccm.offer
    WHERE offer.interaction_id = i.id
) o
CROSS JOIN LATERAL (
    SELECT
        count(*) AS recordings,
        array_agg(recording.state ORDER BY recording.segment) AS recording_states
    FROM ccm.recording
    WHERE recording.interaction_id = i.id
) r
-- LIMIT makes it a look-up for each call of a campaign; as a join it reads every attempt there ever was.
LEFT JOIN LATERAL (
    SELECT attempt.id, attempt.caller_id, attempt.dropped, campaign.name AS campaign
    FROM ccm.attempt
    JOIN ccm.campaign ON campaign.id = attempt.campaign_id
    WHERE attempt.id = ccm.attempt_of(i.linkedid)
    LIMIT 1
) t ON true;

COMMENT ON VIEW report.interaction IS
    'One row for each interaction. Filter by started_at, which has an index.';
COMMENT ON COLUMN report.interaction.id IS 'Id of the interaction (UUIDv7: sorts by time)';
COMMENT ON COLUMN report.interaction.node IS 'Name of the Asterisk it came in on';
COMMENT ON COLUMN report.interaction.channel IS 'voice, email or callback';
COMMENT ON COLUMN report.interaction.direction IS 'inbound, outbound or internal';
COMMENT ON COLUMN report.interaction.caller IS 'Customer''s number: the caller''s as Asterisk had it, empty when withheld; of an outbound call the number that was called';
COMMENT ON COLUMN report.interaction.caller_name IS
    'Caller''s name as the caller''s side sent it: anybody can write anything there';
COMMENT ON COLUMN report.interaction.did IS 'Number that was dialled; of a campaign''s call the number that was shown';
COMMENT ON COLUMN report.interaction.first_queue IS 'Queue it joined first; null when it joined none';
COMMENT ON COLUMN report.interaction.last_queue IS 'Queue it joined last; null when it joined none';
COMMENT ON COLUMN report.interaction.queues IS
    'Every queue it joined, in order; one that it joined twice stands twice';
COMMENT ON COLUMN report.interaction.agents IS
    'Name of the agent of each segment, in order; the interface where the agent has no name';
COMMENT ON COLUMN report.interaction.started_at IS
    'When the customer''s channel appeared, or the first that was seen of it';
COMMENT ON COLUMN report.interaction.ended_at IS 'When the customer''s channel was gone; null while it lasts';
COMMENT ON COLUMN report.interaction.wait_seconds IS
    'Sum over its queues of (answered or left) - joined; a wait that goes on counts until now';
COMMENT ON COLUMN report.interaction.ring_seconds IS
    'Seconds in which at least one agent''s phone rang for it, answered or not; phones that ring together count once. Part of the wait';
COMMENT ON COLUMN report.interaction.talk_seconds IS
    'Sum over its segments of ended - answered - hold; a talk that goes on counts until now';
COMMENT ON COLUMN report.interaction.hold_seconds IS 'Sum over its segments of the time on hold';
COMMENT ON COLUMN report.interaction.wrap_up_seconds IS
    'Sum over its segments of the wrap-up time, as set for the member';
COMMENT ON COLUMN report.interaction.handle_seconds IS 'talk + hold + wrap-up';
COMMENT ON COLUMN report.interaction.outcome IS
    'answered when any agent talked to the customer, else how the last queue was left: abandoned, timed_out, left_by_key, no_agents, queue_full, lost (the end was not seen); dropped: a campaign''s call that was in a queue, and that no agent took in time';
COMMENT ON COLUMN report.interaction.state IS
    'waiting in a queue, talking to an agent, left the queue without one, or ended';
COMMENT ON COLUMN report.interaction.segments IS 'Number of segments: one for each agent who talked to the customer, in turn';
COMMENT ON COLUMN report.interaction.transfers IS 'Number of its segments that ended with a transfer';
COMMENT ON COLUMN report.interaction.offers IS 'Number of times an agent''s phone began to ring for it';
COMMENT ON COLUMN report.interaction.ring_no_answers IS 'Number of its offers that the agent let ring out or refused';
COMMENT ON COLUMN report.interaction.recordings IS 'Number of recordings asked for, whatever became of them';
COMMENT ON COLUMN report.interaction.recording_states IS
    'State of the recording of each segment, in order: expected, recording, finished, missing, failed';
COMMENT ON COLUMN report.interaction.disposition IS
    'Code that was last given to it, by keypad or by ccm interaction dispose; null when none was';
COMMENT ON COLUMN report.interaction.inferred IS
    'True when something of it, of its waits or of its segments was concluded and not seen';
COMMENT ON COLUMN report.interaction.campaign IS 'Campaign that dialled it; null for any other';
COMMENT ON COLUMN report.interaction.attempt_id IS 'The attempt of that campaign (report.attempt); null for any other';
