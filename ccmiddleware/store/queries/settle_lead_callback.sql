-- Of the call that was to keep promise $1 came $2; it is tried again at $3 or over, because of $4, at $5
SELECT ccm.settle_lead_callback($1, $2, $3, $4, $5)
