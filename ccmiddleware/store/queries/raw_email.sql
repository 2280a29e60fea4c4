-- The bytes with that SHA-256
SELECT content FROM ccm.email_raw WHERE sha256 = $1
