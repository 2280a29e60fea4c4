-- What the pacing of a campaign has learned, so that a restarted daemon need not learn it anew.

CREATE TABLE ccm.campaign_pacing (
    campaign_id uuid PRIMARY KEY REFERENCES ccm.campaign ON DELETE CASCADE,
    term        bigint NOT NULL,
    at          timestamptz NOT NULL,
    pacing      jsonb NOT NULL,
    answering   jsonb
);
COMMENT ON TABLE ccm.campaign_pacing IS 'What was learned while a campaign dialled; one row for each, written anew every half minute';
COMMENT ON COLUMN ccm.campaign_pacing.campaign_id IS 'The campaign';
COMMENT ON COLUMN ccm.campaign_pacing.term IS 'Term of the leader of its node who learned it last';
COMMENT ON COLUMN ccm.campaign_pacing.at IS 'As of when';
COMMENT ON COLUMN ccm.campaign_pacing.pacing IS 'Rates, times and budget, as the controller exports them';
COMMENT ON COLUMN ccm.campaign_pacing.answering IS 'Which leads answer when, as the model exports it; null until there was anything to learn from';
