"""Makes the shipped modules importable on the host: from the core, the cache, or the controller.

`stage0` runs this file before anything else of ours is importable, so it imports nothing of ours itself.
"""

from __future__ import annotations

import hashlib
import sys
from _frozen_importlib import ModuleSpec  # importlib.machinery costs 2 ms more

TYPE_CHECKING = False  # as in stage0
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType
    from typing import Any, Optional


class Importer:
    """A meta path finder and loader over the core and the modules of its manifest.

    fetch: asks the controller for a module's source and returns when `receive` has it; set by the runner.
    """

    def __init__(self, core: Mapping[str, Any], cache: Any) -> None:
        self._code = dict(core["code"])
        self._packages = frozenset(core["packages"])
        self._manifest = core["manifest"]
        self._cache = cache
        self._cached = frozenset(cache.names())
        self.fetch: Callable[[str], None] = self._nobody

    # -- the import system's side --------------------------------------------------------------------------
    def find_spec(self, name: str, path: Optional[Sequence[str]] = None,
                  target: Optional[ModuleType] = None) -> Optional[ModuleSpec]:
        if name in self._code or name in self._manifest:
            return ModuleSpec(name, self,  # type: ignore[arg-type]  # a loader by shape
                          origin="<%s>" % name, is_package=name in self._packages)
        return None

    def create_module(self, spec: ModuleSpec) -> None:
        """The usual one."""

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code_of(module.__name__), module.__dict__)  # noqa: S102 - what every loader does

    # -- the runner's side -----------------------------------------------------------------------------------
    def cached(self) -> list[str]:
        """Checksums of the modules whose code need not be sent."""
        return sorted(sha256 for sha256, _ in self._manifest.values() if sha256 in self._cached)

    def knows(self, name: str) -> bool:
        return name in self._code or name in self._manifest

    def lacking(self, name: str) -> list[str]:
        """Names of the modules that have to come before `name` can be imported, itself included."""
        needed = self._manifest[name][1] if name in self._manifest else ()
        return [one for one in needed if one not in self._code and self._manifest[one][0] not in self._cached]

    def receive(self, name: str, sha256: str, source: bytes) -> None:
        """Source from the controller; compiled and kept. Raises ValueError when it is not what the core names."""
        expected = self._manifest[name][0] if name in self._manifest else None
        if expected != sha256 or hashlib.sha256(source).hexdigest() != sha256:
            raise ValueError("the code of %s is not the one that belongs to this runner" % name)
        if name not in self._code:
            self._code[name] = compile(source, "<%s>" % name, "exec", dont_inherit=True)
            self._cache.put(sha256, self._code[name])

    def _nobody(self, name: str) -> None:
        raise ImportError("there is nobody to ask for %s" % name)

    def _code_of(self, name: str) -> Any:
        if name not in self._code:
            code = self._cache.get(self._manifest[name][0])
            if code is not None:
                self._code[name] = code
            else:
                self.fetch(name)
        return self._code[name]


def start(core: Mapping[str, Any], cache: Any, source: int, sink: int, early: bytes) -> None:
    """Hand over from `stage0` to the runner; comes back when the session is over."""
    importer = Importer(core, cache)
    sys.meta_path.insert(0, importer)
    from provisioner.remote.runner import main  # noqa: PLC0415 - importable only now

    main(importer, source, sink, early)
