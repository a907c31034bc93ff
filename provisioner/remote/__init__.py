"""What runs on hosts: standard library only, Python >= 3.9, imports nothing but `provisioner.remote`."""
