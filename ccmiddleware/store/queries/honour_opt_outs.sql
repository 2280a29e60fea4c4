-- Put the numbers of all open requests for no more calls on the do-not-call list
SELECT ccm.honour_opt_outs(now())
