-- Promise $1 is over: state $2, because of $3, at $4
SELECT ccm.close_lead_callback($1, $2, $3, $4)
