-- Emails whose priority changes while their placeholders stand in the Asterisk queue move there.
ALTER TABLE ccm.work_placement ADD COLUMN priority integer;
COMMENT ON COLUMN ccm.work_placement.priority IS
    'With which priority (QUEUE_PRIO) it stands in the queue; null: not known, as of one placed by an earlier version';
COMMENT ON COLUMN ccm.work_placement.outcome IS
    'taken, given_back (by key, or by hanging up), no_agents (the queue sent it away), gone (it vanished, as when Asterisk restarts), withdrawn (a more urgent one needed its place, its own priority changed, or it was taken by hand), not_placed (Asterisk refused), too_late (somebody else had taken it by hand)';
