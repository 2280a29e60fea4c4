-- Begins the report schema anew; the files after it, in the order of their names, make the views.
--
-- How this is re-runnable. All files of this folder are applied in one transaction, as often as anyone
-- likes. The views that belong to us are dropped first, so that the columns of a later version may
-- have other names and types; nobody sees the schema without them. A view on which somebody has built
-- a view of their own is left in place and not dropped, never with CASCADE: the CREATE OR REPLACE VIEW
-- that follows mends it, as long as its columns stay or more are added at its end. When they change,
-- Postgres refuses, says which column, and the transaction leaves everything as it was.
--
-- Rights given on a single view are lost when it is dropped; those of the role ccm_report are given
-- anew with each migration. So grant the role, not the view: GRANT ccm_report TO somebody.
DO $$
DECLARE
    ours    text[] := ARRAY['interaction', 'queue_interval', 'agent_day', 'agent_state', 'recording',
                            'queue_now', 'agent_now', 'coverage', 'reconcile_queue_log',
                            'queue_log_difference', 'queue_log_stay', 'interaction_timeline',
                            'queue_turned_away', 'supervision',
                            'callback', 'outbox', 'journey', 'email', 'email_queue_interval', 'email_agent_day',
                            'campaign', 'lead_funnel', 'dnc', 'attempt', 'campaign_day', 'drop_ledger', 'lead_callback',
                            'agent_campaign_day', 'campaign_interval', 'dialer_decision', 'predictive_gain', 'opt_out',
                            'detection_day'];
    name    text;
    dropped boolean := true;
BEGIN
    -- Round after round, since a view goes only after those of ours that read it.
    WHILE dropped LOOP
        dropped := false;
        FOR name IN SELECT viewname FROM pg_views WHERE schemaname = 'report' AND viewname = ANY (ours) LOOP
            BEGIN
                EXECUTE format('DROP VIEW report.%I', name);
                dropped := true;
            EXCEPTION WHEN dependent_objects_still_exist THEN
                RAISE DEBUG 'report.% is used by another view; it is replaced instead', name;
            END;
        END LOOP;
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION report.now() RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT coalesce(nullif(current_setting('ccm.now', true), '')::timestamptz, now())
$$;
COMMENT ON FUNCTION report.now() IS
    'The present for all views: the setting ccm.now when it is set (SET ccm.now = ''2026-11-27 10:00+01''), else now()';

CREATE OR REPLACE FUNCTION report.seconds(since timestamptz, until timestamptz) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    -- Not greatest(…, 0), which takes null for nothing and would answer 0.
    SELECT CASE
        WHEN until >= since THEN round(extract(epoch FROM until - since), 3)
        WHEN until < since THEN 0
    END
$$;
COMMENT ON FUNCTION report.seconds(timestamptz, timestamptz) IS
    'Seconds between two moments, to the millisecond; 0 when they are in the wrong order; null when one is unknown';

CREATE OR REPLACE FUNCTION report.ratio(part numeric, whole numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT round(part / nullif(whole, 0), 4)
$$;
COMMENT ON FUNCTION report.ratio(numeric, numeric) IS
    'part / whole, to four decimals; null when whole is 0, since nothing can be said then';

CREATE OR REPLACE FUNCTION report.mean(total numeric, number numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT round(total / nullif(number, 0), 3)
$$;
COMMENT ON FUNCTION report.mean(numeric, numeric) IS
    'total / number, to three decimals; null when there is nothing to take the mean of';

-- Functions in a view run with the rights of whoever reads it. The roles may not exist yet when the
-- views are applied for the first time; until then the right of PUBLIC holds.
DO $$
DECLARE
    role text;
BEGIN
    FOR role IN SELECT rolname FROM pg_roles WHERE rolname IN ('ccm_app', 'ccm_report') LOOP
        EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA report TO %I', role);
    END LOOP;
END
$$;
