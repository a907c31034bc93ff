"""What the `nextjs_*` modules share: where things lie on a host, the env file, the service, the memory cage."""
