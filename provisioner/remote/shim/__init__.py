"""What modules written for Ansible import: the part of `ansible.module_utils` that they commonly use.

These files run in a process of their own on the host, from an archive in which they stand as `ansible/module_utils/…`
(`actions/custom.py` makes it). Nothing of the runner imports them.
"""
