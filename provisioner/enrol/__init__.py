"""How machines become hosts that are known: what they are told at their first boot, and whose key is believed."""
