-- This transaction is on the server's disk once it is committed, also where the server is set to be faster than that
SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'
