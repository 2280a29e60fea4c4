-- report.dnc: one row for each entry that the do-not-call list has or had.
CREATE OR REPLACE VIEW report.dnc AS
SELECT
    e.id,
    e.number,
    e.prefix,
    c.name AS campaign,
    e.source,
    e.note,
    e.added_at,
    e.added_by,
    e.added_version,
    e.expires_at,
    e.removed_at,
    e.removed_by,
    e.removed_version,
    e.removed_at IS NULL AND (e.expires_at IS NULL OR e.expires_at > report.now()) AS holds
FROM ccm.dnc_entry AS e
LEFT JOIN ccm.campaign AS c ON c.id = e.campaign_id;
COMMENT ON VIEW report.dnc IS 'The do-not-call list: every entry that it has or had, one row each';
COMMENT ON COLUMN report.dnc.id IS 'Number of the entry';
COMMENT ON COLUMN report.dnc.number IS 'Number, or the beginning of numbers';
COMMENT ON COLUMN report.dnc.prefix IS 'True: all numbers that begin so';
COMMENT ON COLUMN report.dnc.campaign IS 'The campaign that must not call it; null: none may';
COMMENT ON COLUMN report.dnc.source IS 'Where it comes from, such as internal, opt_out, national';
COMMENT ON COLUMN report.dnc.note IS 'What there is to know';
COMMENT ON COLUMN report.dnc.added_at IS 'When it was added';
COMMENT ON COLUMN report.dnc.added_by IS 'Who added it; ccm is the daemon';
COMMENT ON COLUMN report.dnc.added_version IS 'Version of the list that has it first';
COMMENT ON COLUMN report.dnc.expires_at IS 'Until when it holds; null for ever';
COMMENT ON COLUMN report.dnc.removed_at IS 'When it was removed; null while it stands';
COMMENT ON COLUMN report.dnc.removed_by IS 'Who removed it';
COMMENT ON COLUMN report.dnc.removed_version IS 'Version of the list that has it no more';
COMMENT ON COLUMN report.dnc.holds IS 'Whether it forbids calls now';
