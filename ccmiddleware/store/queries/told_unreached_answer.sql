-- Of the answer $1, which did not reach somebody, all was done that is to be done
UPDATE ccm.outbox SET unreached = false WHERE id = $1
