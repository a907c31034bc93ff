"""What the last apply recorded, kept on the hosts too, so that every controller of a site can judge by it."""
