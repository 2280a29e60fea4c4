-- report.queue_now: each queue at this moment, as far as the daemon has told.
--
-- The rows that are still open have their own small indexes, so that a live table may ask every second.
CREATE OR REPLACE VIEW report.queue_now AS
SELECT
    n.name AS node,
    q.name AS queue,
    q.strategy,
    n.link,
    w.waiting,
    w.longest_wait_seconds,
    t.talking,
    w.emails_waiting,
    w.longest_email_wait_seconds,
    t.emails_working,
    m.members,
    m.idle AS members_idle,
    m.ringing AS members_ringing,
    m.talking AS members_talking,
    m.wrap_up AS members_wrap_up,
    m.working AS members_working,
    m.busy AS members_busy,
    m.paused AS members_paused,
    m.unavailable AS members_unavailable,
    m.unknown AS members_unknown
FROM ccm.queue q
JOIN ccm.node n ON n.id = q.node_id
CROSS JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE NOT e.email) AS waiting,
        max(report.seconds(v.joined_at, report.now())) FILTER (WHERE NOT e.email) AS longest_wait_seconds,
        count(*) FILTER (WHERE e.email) AS emails_waiting,
        max(report.seconds(v.joined_at, report.now())) FILTER (WHERE e.email) AS longest_email_wait_seconds
    FROM ccm.queue_visit v
    -- The version of emails: ccm.work_version.
    CROSS JOIN LATERAL (SELECT v.version >= 4611686018427387904 AS email) e
    WHERE v.queue_id = q.id AND v.left_at IS NULL AND v.answered_at IS NULL
) w
CROSS JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE s.version < 4611686018427387904) AS talking,
        count(*) FILTER (WHERE s.version >= 4611686018427387904) AS emails_working
    FROM ccm.segment s
    -- LIMIT makes it a look-up for each open segment; as a join it reads every visit there ever was.
    CROSS JOIN LATERAL (
        SELECT v.queue_id
        FROM ccm.queue_visit v
        WHERE v.interaction_id = s.interaction_id AND v.ordinal = s.visit
        LIMIT 1
    ) v
    WHERE s.ended_at IS NULL AND v.queue_id = q.id
) t
CROSS JOIN LATERAL (
    SELECT
        count(*) AS members,
        count(*) FILTER (WHERE k.state = 'idle') AS idle,
        count(*) FILTER (WHERE k.state = 'ringing') AS ringing,
        count(*) FILTER (WHERE k.state = 'talking') AS talking,
        count(*) FILTER (WHERE k.state = 'wrap_up') AS wrap_up,
        count(*) FILTER (WHERE k.state = 'working') AS working,
        count(*) FILTER (WHERE k.state = 'busy') AS busy,
        count(*) FILTER (WHERE k.state = 'paused') AS paused,
        count(*) FILTER (WHERE k.state = 'unavailable') AS unavailable,
        count(*) FILTER (WHERE k.state = 'unknown') AS unknown
    FROM (
        SELECT CASE
            -- Pauses are set for each queue by itself: what holds here is what the member says.
            WHEN s.state IN ('idle', 'paused') THEN CASE WHEN qm.paused THEN 'paused' ELSE 'idle' END
            WHEN s.state = 'logged_out' THEN 'unknown'
            ELSE coalesce(s.state, 'unknown')
        END AS state
        FROM ccm.queue_member qm
        LEFT JOIN LATERAL (
            SELECT a.state
            FROM ccm.agent_state a
            WHERE a.agent_id = qm.agent_id AND a.ended_at IS NULL
            ORDER BY a.started_at DESC
            LIMIT 1
        ) s ON true
        WHERE qm.queue_id = q.id AND qm.member
    ) k
) m;

COMMENT ON VIEW report.queue_now IS
    'One row for each queue: what it is like now. When link is not up, it is what it was like when the link was lost.';
COMMENT ON COLUMN report.queue_now.node IS 'Name of the Asterisk';
COMMENT ON COLUMN report.queue_now.queue IS 'Name of the queue';
COMMENT ON COLUMN report.queue_now.strategy IS 'Ring strategy, as Asterisk reports it';
COMMENT ON COLUMN report.queue_now.link IS 'Manager link to the Asterisk: up, down, or never (not yet seen)';
COMMENT ON COLUMN report.queue_now.waiting IS 'Calls and callbacks that wait in the queue';
COMMENT ON COLUMN report.queue_now.longest_wait_seconds IS 'Wait of the one that waits longest, in seconds; null when none waits';
COMMENT ON COLUMN report.queue_now.talking IS 'Talks that came from this queue and go on';
COMMENT ON COLUMN report.queue_now.emails_waiting IS 'Emails that wait in the queue; not those that sleep until a time';
COMMENT ON COLUMN report.queue_now.longest_email_wait_seconds IS 'The same of emails; null when none waits';
COMMENT ON COLUMN report.queue_now.emails_working IS 'Emails of this queue that agents have in hand';
COMMENT ON COLUMN report.queue_now.members IS
    'Members of the queue = idle + ringing + talking + wrap-up + working + busy + paused + unavailable + unknown';
COMMENT ON COLUMN report.queue_now.members_idle IS 'Members available for an interaction of this queue';
COMMENT ON COLUMN report.queue_now.members_ringing IS 'Members whose phone rings for any queue';
COMMENT ON COLUMN report.queue_now.members_talking IS 'Members in a call of any queue';
COMMENT ON COLUMN report.queue_now.members_wrap_up IS 'Members in wrap-up after a call of any queue';
COMMENT ON COLUMN report.queue_now.members_working IS 'Members who work on an email of any queue';
COMMENT ON COLUMN report.queue_now.members_busy IS 'Members in another call than one of a queue';
COMMENT ON COLUMN report.queue_now.members_paused IS 'Members paused in this queue and in no call';
COMMENT ON COLUMN report.queue_now.members_unavailable IS 'Members whose phone can''t be reached';
COMMENT ON COLUMN report.queue_now.members_unknown IS 'Members whose state has not been told';
