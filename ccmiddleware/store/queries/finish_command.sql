-- Say what came of the taken command $1: $2 state, $3 result
UPDATE ccm.command SET state = $2, result = $3, done_at = now() WHERE id = $1 AND state = 'taken'
