-- report.campaign: one row for each campaign.
CREATE OR REPLACE VIEW report.campaign AS
SELECT
    c.id,
    c.name AS campaign,
    c.state,
    c.state_at,
    c.state_by,
    c.mode,
    c.node,
    c.queue,
    c.settings ->> 'profile' AS profile,
    c.settings ->> 'seller_name' AS seller,
    c.settings ->> 'purpose' AS purpose,
    c.revision,
    c.created_at,
    c.created_by,
    c.started_at,
    c.settings
FROM ccm.campaign AS c;
COMMENT ON VIEW report.campaign IS 'Campaigns with what is set of them, one row each';
COMMENT ON COLUMN report.campaign.id IS 'Id of the campaign';
COMMENT ON COLUMN report.campaign.campaign IS 'Name';
COMMENT ON COLUMN report.campaign.state IS 'draft, running, paused or stopped';
COMMENT ON COLUMN report.campaign.state_at IS 'When it came into this state';
COMMENT ON COLUMN report.campaign.state_by IS 'Who brought it there; ccm is the daemon';
COMMENT ON COLUMN report.campaign.mode IS 'preview, progressive, power, predictive or agentless';
COMMENT ON COLUMN report.campaign.node IS 'Asterisk node that dials';
COMMENT ON COLUMN report.campaign.queue IS 'Queue whose agents talk';
COMMENT ON COLUMN report.campaign.profile IS 'Jurisdiction profile whose rules hold';
COMMENT ON COLUMN report.campaign.seller IS 'In whose name is called';
COMMENT ON COLUMN report.campaign.purpose IS 'What the calls are about';
COMMENT ON COLUMN report.campaign.revision IS 'Raised by every edit';
COMMENT ON COLUMN report.campaign.created_at IS 'When it was made';
COMMENT ON COLUMN report.campaign.created_by IS 'Who made it';
COMMENT ON COLUMN report.campaign.started_at IS 'When it was first started; null for drafts';
COMMENT ON COLUMN report.campaign.settings IS 'All that is set, by key; what is not there has its default (ccm campaign show)';
