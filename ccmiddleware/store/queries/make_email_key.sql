-- The first key, with the secret $1, made at $2, unless there is one
INSERT INTO ccm.email_key (id, secret, made_at)
SELECT 1, $1, $2 WHERE NOT EXISTS (SELECT FROM ccm.email_key)
ON CONFLICT (id) DO NOTHING
