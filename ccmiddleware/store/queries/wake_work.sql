-- Items of node $1 whose time has come by $2 wait in their queue again; how many
SELECT ccm.wake_work($1, $2)
