-- The keys that sign what we send, the present one first
SELECT id, secret FROM ccm.email_key ORDER BY made_at DESC, id DESC
