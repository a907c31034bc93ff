"""Runs that were: recorded in one SQLite file while they go, and read again."""
