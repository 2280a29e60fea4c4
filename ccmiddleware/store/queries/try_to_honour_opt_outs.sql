-- Put the numbers of all open requests on the do-not-call list, unless somebody changes it just now
SELECT ccm.try_to_honour_opt_outs(now())
