-- Attempts of a campaign by time: reports ask for a day or half an hour of one campaign, and live tables for today.
CREATE INDEX attempt_campaign_claimed ON ccm.attempt (campaign_id, claimed_at);
