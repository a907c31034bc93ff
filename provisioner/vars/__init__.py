"""Variables: in which order they win (precedence), looked up lazily (scope), facts and magic names, who set what."""
