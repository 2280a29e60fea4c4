-- Over how many days the law of a campaign's profile counts its drops: as its file has it, also of an operator's own profile.

ALTER TABLE ccm.campaign ADD COLUMN period_days integer NOT NULL DEFAULT 30
    CONSTRAINT campaign_period_days_positive CHECK (period_days > 0);
COMMENT ON COLUMN ccm.campaign.period_days IS
    'Days over which the law of the profile counts drops, as the daemon read it when it last looked at the campaign';
UPDATE ccm.campaign SET period_days = 1 WHERE settings ->> 'profile' = 'uk-ofcom';
