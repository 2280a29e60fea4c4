-- For this transaction: few rows are looked for among many, whatever the statistics say so far
SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
       set_config('enable_seqscan', 'off', true)
