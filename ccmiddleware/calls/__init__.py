"""The life of a voice interaction: AMI events in, facts out. Pure; ``node`` drives it."""
