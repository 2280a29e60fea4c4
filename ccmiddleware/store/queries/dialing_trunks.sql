-- All trunks, with what each may carry
SELECT name, dial, channels, calls_per_second FROM ccm.trunk
