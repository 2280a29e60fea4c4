-- Agents say by mail whose address or number it is: #contact.
ALTER TABLE ccm.agent_reply DROP CONSTRAINT agent_reply_what_known;
ALTER TABLE ccm.agent_reply ADD CONSTRAINT agent_reply_what_known CHECK (
    what IN ('answer', 'note', 'close', 'wait', 'transfer', 'contact', 'refused', 'repeated'));
COMMENT ON COLUMN ccm.agent_reply.what IS
    'answer, note, close (without an answer), wait, transfer, contact (nothing but that); refused (nothing was done), repeated (a mail with its Message-ID was carried out before)';
