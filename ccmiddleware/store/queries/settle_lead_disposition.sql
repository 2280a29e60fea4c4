-- What code $1 means for lead $3 of attempt $2: $4 as of $5; called again at $6 on number $7
SELECT ccm.apply_disposition($1, $2, $3, $4, $5, $6, $7)
