"""What a host has, whether or not a playbook declares it. Each watch only reads."""
