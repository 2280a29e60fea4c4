-- The version of the do-not-call list
SELECT version FROM ccm.dnc_list
