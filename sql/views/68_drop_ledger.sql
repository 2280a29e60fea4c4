-- report.drop_ledger: the share of drops of each campaign by day, and over the period that the law counts.
--
-- As the dialer counts (dialer/budget.py, campaign_day_counts.sql): machines that agents found are no answers, and persons
-- who were taken for machines are answers and drops.
CREATE OR REPLACE VIEW report.drop_ledger AS
SELECT
    d.campaign,
    d.day,
    d.time_zone,
    d.live,
    d.drops,
    d.machines_found,
    d.estimated_false_positives,
    report.ratio(x.drops, x.live) AS drop_rate,
    p.period_began,
    sum(x.live) OVER period AS period_live,
    sum(x.drops) OVER period AS period_drops,
    report.ratio(sum(x.drops) OVER period, sum(x.live) OVER period) AS period_drop_rate,
    l.limit_rate,
    sum(x.drops) OVER period > l.limit_rate * sum(x.live) OVER period AS over_limit
FROM report.campaign_day AS d
JOIN ccm.campaign AS c ON c.name = d.campaign
CROSS JOIN LATERAL (
    SELECT d.live - d.machines_found + d.estimated_false_positives AS live, d.drops + d.estimated_false_positives AS drops
) AS x
CROSS JOIN LATERAL (
    SELECT coalesce((c.settings ->> 'abandonment_limit')::numeric, 3) / 100 AS limit_rate
) AS l
CROSS JOIN LATERAL (
    SELECT (c.started_at AT TIME ZONE d.time_zone)::date AS began
) AS b
CROSS JOIN LATERAL (
    SELECT b.began + c.period_days * floor((d.day - b.began)::numeric / c.period_days)::integer AS period_began
) AS p
WINDOW period AS (PARTITION BY d.campaign, p.period_began ORDER BY d.day);
COMMENT ON VIEW report.drop_ledger IS
    'Drops beside live answers, by campaign and day, and summed up since the period began over which the law of the campaign''s profile counts: 30 days by 16 CFR 310.4(b)(4), a day by Ofcom''s statement. `ccm campaign watch` and `report` say what follows of it';
COMMENT ON COLUMN report.drop_ledger.campaign IS 'Campaign';
COMMENT ON COLUMN report.drop_ledger.day IS 'Day, in the campaign''s time zone';
COMMENT ON COLUMN report.drop_ledger.time_zone IS 'Time zone in which the campaign counts days';
COMMENT ON COLUMN report.drop_ledger.live IS 'Calls of the day that a person answered';
COMMENT ON COLUMN report.drop_ledger.drops IS 'Of these, without an agent in time';
COMMENT ON COLUMN report.drop_ledger.machines_found IS 'Of live, not dropped, those that agents said were machines';
COMMENT ON COLUMN report.drop_ledger.estimated_false_positives IS 'Persons whom detection is estimated to have taken for machines: answers and drops, besides the others';
COMMENT ON COLUMN report.drop_ledger.drop_rate IS '(drops + estimated_false_positives) / (live - machines_found + estimated_false_positives)';
COMMENT ON COLUMN report.drop_ledger.period_began IS
    'First day of the period, one after another since the campaign was first started; each as long as the campaign''s profile has it (us-ftc 30 days, uk-ofcom a day), as the daemon knew it when it last dialled';
COMMENT ON COLUMN report.drop_ledger.period_live IS 'live - machines_found + estimated_false_positives of the period, up to this day';
COMMENT ON COLUMN report.drop_ledger.period_drops IS 'drops + estimated_false_positives of the period, up to this day';
COMMENT ON COLUMN report.drop_ledger.period_drop_rate IS 'period_drops / period_live';
COMMENT ON COLUMN report.drop_ledger.limit_rate IS 'Most drops the campaign allows itself (its setting abandonment_limit)';
COMMENT ON COLUMN report.drop_ledger.over_limit IS 'Whether period_drops / period_live is above limit_rate';
