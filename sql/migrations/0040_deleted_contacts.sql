-- Contacts can be deleted: they are nobody's any more, and their history stays.
ALTER TABLE ccm.contact ADD COLUMN deleted_at timestamptz;
COMMENT ON COLUMN ccm.contact.deleted_at IS 'When it was deleted; it has no addresses from then on. Null while it is there';
COMMENT ON COLUMN ccm.contact_change.what IS
    'name, note; email, phone (linked or unlinked); merged (into another), absorbed (another was merged into it); deleted (before: its name); or which setting';
