"""Single tasks at a cloud, for people who prefer them to `machines:`: an instance, a droplet, a key, a security group.

They use what the providers are made of: their calls, retries, tokens and errors. They know no sites: a thing is found
by what its owner calls it, and no tag of a site is touched.
"""
