-- Delivery reports: what they said about what we sent. The message that said it is an arrival like any other;
-- it opens no work and belongs to no conversation.

CREATE TABLE ccm.email_report (
    arrival_id uuid NOT NULL REFERENCES ccm.email_arrival,
    outbox_id  uuid NOT NULL,
    address    text NOT NULL,
    delivery   text NOT NULL,
    status     text NOT NULL,
    reason     text NOT NULL,
    told_at    timestamptz NOT NULL,
    PRIMARY KEY (arrival_id, outbox_id, address),
    FOREIGN KEY (outbox_id, address) REFERENCES ccm.outbox_recipient,
    CONSTRAINT email_report_delivery_known CHECK (delivery IN ('delayed', 'delivered', 'failed'))
);
COMMENT ON TABLE ccm.email_report IS 'What delivery reports said. Nobody signs them: who knows a Message-ID can write one';
COMMENT ON COLUMN ccm.email_report.arrival_id IS 'The message that said it';
COMMENT ON COLUMN ccm.email_report.outbox_id IS 'The message it is about';
COMMENT ON COLUMN ccm.email_report.address IS 'The recipient it is about';
COMMENT ON COLUMN ccm.email_report.delivery IS 'delayed, delivered or failed';
COMMENT ON COLUMN ccm.email_report.status IS 'Enhanced status code (RFC 3463); empty where there was none';
COMMENT ON COLUMN ccm.email_report.reason IS 'Why, in the words of the report';
COMMENT ON COLUMN ccm.email_report.told_at IS 'When the report arrived';
CREATE INDEX email_report_outbox ON ccm.email_report (outbox_id, address);

CREATE TABLE ccm.email_address (
    address   text PRIMARY KEY,
    gone_at   timestamptz NOT NULL,
    reason    text NOT NULL,
    CONSTRAINT email_address_is_lower_case CHECK (address = lower(address))
);
COMMENT ON TABLE ccm.email_address IS 'Addresses that will not take mail again, as delivery reports said';
COMMENT ON COLUMN ccm.email_address.address IS 'Address in lower case';
COMMENT ON COLUMN ccm.email_address.gone_at IS 'When it was last told';
COMMENT ON COLUMN ccm.email_address.reason IS 'Why, in the words of the report';

-- What the loop guards count.
CREATE INDEX email_conversation_inbound ON ccm.email (conversation_id, at) WHERE direction = 'inbound';
CREATE INDEX email_quarantine_sender ON ccm.email_quarantine (lower(sender), held_at);
CREATE INDEX outbox_acknowledgement ON ccm.outbox (put_at) WHERE kind = 'acknowledgement';
ALTER TABLE ccm.email ADD COLUMN plain_subject text NOT NULL DEFAULT '';
COMMENT ON COLUMN ccm.email.plain_subject IS 'Subject for comparison: without Re: and the like, tags, numbers and case';
ALTER TABLE ccm.outbox ADD COLUMN plain_subject text NOT NULL DEFAULT '';
COMMENT ON COLUMN ccm.outbox.plain_subject IS 'Its subject for comparison, as in ccm.email';
