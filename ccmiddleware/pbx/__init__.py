"""All that speaks Asterisk: the AMI link, the ARI client, typed events, actions and resync."""
