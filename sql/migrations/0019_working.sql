-- The agent's state `working`: he has an email in hand.
ALTER TABLE ccm.agent_state DROP CONSTRAINT agent_state_known;
ALTER TABLE ccm.agent_state ADD CONSTRAINT agent_state_known CHECK (state IN
    ('logged_out', 'unavailable', 'paused', 'idle', 'ringing', 'talking', 'wrap_up', 'working', 'busy'));
COMMENT ON COLUMN ccm.agent_state.state IS
    'logged_out (member of no queue), unavailable (phone not reachable), paused, idle, ringing, talking (queue call), wrap_up, working (on an email), busy (other call)';
COMMENT ON COLUMN ccm.agent_state.reason IS 'Pause reason, or the queue of the email';
