"""`provision`: create, configure and deploy Next.js servers with Ansible's language over SSH."""

__version__ = "0.1.0"
