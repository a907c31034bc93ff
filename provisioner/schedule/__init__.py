"""Commands that systemd runs again and again on this machine."""
