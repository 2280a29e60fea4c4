-- End the command $1 if its time is over and nobody took it
UPDATE ccm.command SET state = 'expired', result = 'no daemon took it in time', done_at = now()
WHERE id = $1 AND state = 'waiting' AND expires_at <= now()
