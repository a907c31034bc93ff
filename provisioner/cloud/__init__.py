"""Machines at EC2, DigitalOcean or in the lab: planned, created, changed and destroyed. Its only product is hosts."""
