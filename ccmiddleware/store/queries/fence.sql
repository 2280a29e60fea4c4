-- The present terms of the nodes $1; they stay as they are until the transaction ends
SELECT node, term FROM ccm.fence($1::text[])
