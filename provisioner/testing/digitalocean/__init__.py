"""A DigitalOcean to try against: stateful, over real HTTP, refusing what the real one refuses. Nothing costs anything.

    python -m provisioner.testing.digitalocean

    world                what the account has
    droplets, others     what calls do to it
    routes, server       HTTP: pages, tokens, faults, and all that was said
    contract             judges that by DigitalOcean's own OpenAPI description
    booted               droplets as machines that boot here
"""

from __future__ import annotations

from provisioner.testing.digitalocean.server import TOKEN, Exchange, Fake, Fault
from provisioner.testing.digitalocean.world import World

__all__ = ["TOKEN", "Exchange", "Fake", "Fault", "World"]
