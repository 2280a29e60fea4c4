-- Roles, applied at each migration: ccm_app for the daemon, ccm_report for analysts. Both are groups
-- without a login: GRANT ccm_report TO somebody. Needs the right to create roles only the first time.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ccm_app') THEN
        CREATE ROLE ccm_app NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ccm_report') THEN
        CREATE ROLE ccm_report NOLOGIN;
    END IF;
    IF NOT pg_has_role(current_user, 'ccm_app', 'MEMBER') THEN
        EXECUTE format('GRANT ccm_app TO %I', current_user);
    END IF;
END
$$;

REVOKE ALL ON SCHEMA ccm, report FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ccm FROM PUBLIC;

GRANT USAGE ON SCHEMA ccm, report TO ccm_app;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA ccm TO ccm_app;
GRANT DELETE ON ccm.skill, ccm.agent_skill, ccm.queue_skill, ccm.queue_skill_relaxation TO ccm_app;
REVOKE UPDATE ON ccm.interaction_event, ccm.queue_log_row, ccm.rejected_fact, ccm.callback_step FROM ccm_app;
REVOKE UPDATE ON ccm.queue_change, ccm.queue_turned_away, ccm.agent_reply, ccm.conversation_state FROM ccm_app;
-- What `ccm queue` edits; who changed what stays in ccm.queue_change.
GRANT DELETE ON ccm.queue_hours, ccm.queue_holiday, ccm.queue_priority TO ccm_app;
-- What `ccm contact unlink` takes away; who did so stays in ccm.contact_change.
GRANT DELETE ON ccm.contact_address TO ccm_app;
REVOKE UPDATE ON ccm.contact_change FROM ccm_app;
-- What `ccm campaign delete` and `ccm trunk remove` take away; who did so stays in ccm.campaign_change.
GRANT DELETE ON ccm.campaign, ccm.trunk TO ccm_app;
REVOKE UPDATE ON ccm.campaign_change, ccm.place, ccm.lead_number, ccm.dnc_scrub, ccm.permit FROM ccm_app;
REVOKE UPDATE ON ccm.campaign_decision FROM ccm_app;
-- An entry of the do-not-call list is removed, never changed.
REVOKE UPDATE ON ccm.dnc_entry FROM ccm_app;
GRANT UPDATE (removed_at, removed_by, removed_version) ON ccm.dnc_entry TO ccm_app;
REVOKE UPDATE ON ccm.opt_out FROM ccm_app;
GRANT UPDATE (numbers, honoured_at, dnc_version) ON ccm.opt_out TO ccm_app;
-- Ids of leads are taken before the leads are copied in.
GRANT USAGE ON SEQUENCE ccm.lead_id_seq TO ccm_app;
-- What was applied is written by `ccm db migrate`, as the owner.
REVOKE INSERT, UPDATE ON ccm.schema_migration, ccm.schema_repeatable FROM ccm_app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ccm TO ccm_app;
GRANT SELECT ON ALL TABLES IN SCHEMA report TO ccm_app;

GRANT USAGE ON SCHEMA report TO ccm_report;
-- What views call that are about contacts, or about attempts and their interactions.
GRANT EXECUTE ON FUNCTION ccm.forms_of_number(text), ccm.addresses_of(jsonb), ccm.attempt_of(text),
    ccm.uuid7_bound(timestamptz) TO ccm_report;
GRANT SELECT ON ALL TABLES IN SCHEMA report TO ccm_report;
