-- The profile of campaign $1 wants requests for no more calls to be honoured within $2 business days
UPDATE ccm.campaign SET honour_days = $2 WHERE id = $1 AND honour_days IS DISTINCT FROM $2
