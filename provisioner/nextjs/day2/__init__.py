"""Day-2 work on deployed apps, as `provision app` does it: find out, go back, restart, read logs, set variables.

Each piece of work is a function from the hosts' calls to their results, as a `run_batch` is.
"""
