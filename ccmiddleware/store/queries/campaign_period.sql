-- The law of campaign $1 counts its drops over $2 days; that is told to its views, and changes nothing else
UPDATE ccm.campaign SET period_days = $2 WHERE id = $1 AND period_days <> $2
