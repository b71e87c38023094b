"""Having the builder run by itself: the line for cron, the units for systemd."""
