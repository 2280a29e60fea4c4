-- report.lead_funnel: leads of each campaign by state and last result.
CREATE OR REPLACE VIEW report.lead_funnel AS
SELECT
    c.name AS campaign,
    f.state,
    f.last_result,
    f.leads,
    f.attempts,
    f.first_next_at,
    report.ratio(f.leads, sum(f.leads) OVER (PARTITION BY f.campaign_id)) AS lead_rate
FROM (
    SELECT
        l.campaign_id,
        l.state,
        l.last_result,
        count(*) AS leads,
        sum(l.attempts) AS attempts,
        min(l.next_at) FILTER (WHERE l.state <> 'done') AS first_next_at
    FROM ccm.lead AS l
    GROUP BY l.campaign_id, l.state, l.last_result
) AS f
JOIN ccm.campaign AS c ON c.id = f.campaign_id;
COMMENT ON VIEW report.lead_funnel IS
    'How far the leads of each campaign are: one row for each campaign, state and result of the last attempt, as it is now';
COMMENT ON COLUMN report.lead_funnel.campaign IS 'Campaign';
COMMENT ON COLUMN report.lead_funnel.state IS
    'new (never called), ready (to be called again), claimed (a call is on), waiting (until its next_at), promised (a callback; report.lead_callback), done';
COMMENT ON COLUMN report.lead_funnel.last_result IS
    'Result of the last attempt; null when there was none; dnc when all numbers were on the do-not-call list at the import';
COMMENT ON COLUMN report.lead_funnel.leads IS 'Leads that are so';
COMMENT ON COLUMN report.lead_funnel.attempts IS 'Attempts on them so far';
COMMENT ON COLUMN report.lead_funnel.first_next_at IS 'The earliest moment at which one of them may be called; null for done';
COMMENT ON COLUMN report.lead_funnel.lead_rate IS 'leads / all leads of the campaign';
