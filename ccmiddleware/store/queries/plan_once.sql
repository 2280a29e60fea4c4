-- Until the transaction ends, no statement that was planned before is planned again for its arguments
SELECT set_config('plan_cache_mode', 'force_generic_plan', true)
