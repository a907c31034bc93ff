"""Drift: what differs from the playbooks, who owns it, and since when."""
