-- One command: how it stands, and whether its time is over
SELECT state, result, expires_at <= now() AS over FROM ccm.command WHERE id = $1
