"""What can go wrong at a provider, in words that say what to do. All are raised before anything is changed if it can
be known then.

    CloudError
    ├── PartialListing     a page is missing: never taken as "there is nothing"
    ├── NotAllowed         no credentials, expired ones, a missing permission
    ├── WrongAccount       credentials of another account than the site's
    ├── Refused            the provider says no to a value: image, size, name …
    ├── LimitReached       a quota of the account
    ├── NoCapacity         the provider has no machine of this size left there
    ├── Unavailable        throttled, timed out or broken, after all retries
    └── Gone               the resource is not there (any more)
"""

from __future__ import annotations

from provisioner.diag import ProvisionError


class CloudError(ProvisionError):
    """Base of what providers raise. The message names the provider, the call and its request id where there is one."""


class PartialListing(CloudError):
    pass


class NotAllowed(CloudError):
    pass


class WrongAccount(CloudError):
    pass


class Refused(CloudError):
    pass


class LimitReached(CloudError):
    pass


class NoCapacity(CloudError):
    pass


class Unavailable(CloudError):
    pass


class Gone(CloudError):
    pass
