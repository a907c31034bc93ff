"""The recorded runs as pages: on this machine's loopback, or exported as files."""
