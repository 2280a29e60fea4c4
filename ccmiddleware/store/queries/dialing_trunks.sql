-- All trunks
SELECT name, dial, channels, calls_per_second FROM ccm.trunk
