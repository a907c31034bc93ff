"""Paths as text; what needs a look at the controller is an effect."""

from __future__ import annotations

import ntpath
import posixpath
from collections.abc import Callable, Mapping
from typing import Any

from jinja2.runtime import Context
from jinja2.utils import pass_context

from provisioner.template.effects import Effect
from provisioner.template.lookups import scope_of
from provisioner.values import Value


def basename(path: str) -> str:
    """
    >>> basename("/etc/hosts")
    'hosts'
    """
    return posixpath.basename(path)


def dirname(path: str) -> str:
    """
    >>> dirname("/etc/hosts")
    '/etc'
    """
    return posixpath.dirname(path)


def splitext(path: str) -> list[str]:
    """
    >>> splitext("a/b.tar.gz")
    ['a/b.tar', '.gz']
    """
    return list(posixpath.splitext(path))


def relpath(path: str, start: str = "/") -> str:
    """
    >>> relpath("/etc/nginx/x", "/etc")
    'nginx/x'
    """
    if posixpath.isabs(path) != posixpath.isabs(start):
        raise ValueError("both paths must be absolute, or both relative")
    root = "" if posixpath.isabs(path) else "/"  # relpath would ask for the working directory otherwise
    return posixpath.relpath(root + path, root + start)


def commonpath(paths: list[str]) -> str:
    """
    >>> commonpath(["/a/b/c", "/a/b/d"])
    '/a/b'
    """
    if not isinstance(paths, (list, tuple)):
        raise TypeError(f"|commonpath expects a list of paths, not {type(paths).__name__}")
    return posixpath.commonpath(list(paths))


def normpath(path: str) -> str:
    """
    >>> normpath("/a/./b/../c")
    '/a/c'
    """
    return posixpath.normpath(path)


def path_join(parts: str | list[str]) -> str:
    """
    >>> path_join(["/etc", "nginx", "x"])
    '/etc/nginx/x'
    """
    if not isinstance(parts, (str, list, tuple)):
        raise TypeError(f"|path_join expects string or sequence, not {type(parts).__name__}")
    return parts if isinstance(parts, str) else posixpath.join(*parts)


def win_basename(path: str) -> str:
    r"""
    >>> win_basename("C:\\a\\b.txt")
    'b.txt'
    """
    return ntpath.basename(path)


def win_dirname(path: str) -> str:
    r"""
    >>> win_dirname("C:\\a\\b.txt")
    'C:\\a'
    """
    return ntpath.dirname(path)


def win_splitdrive(path: str) -> list[str]:
    r"""
    >>> win_splitdrive("C:\\a")
    ['C:', '\\a']
    """
    return list(ntpath.splitdrive(path))


@pass_context
def expanduser(context: Context, path: str) -> Value:
    """
    >>> evaluate("'~root/.ssh' | expanduser")
    '/root/.ssh'
    """
    return _asked(context, "expanduser", path)


@pass_context
def expandvars(context: Context, path: str) -> Value:
    """With the variables of the controller's environment; those that are not set stay.

    >>> evaluate("'$NOT_SET/x' | expandvars"), evaluate("('$HOME/x' | expandvars) == lookup('env', 'HOME') ~ '/x'")
    ('$NOT_SET/x', True)
    """
    return _asked(context, "expandvars", path)


@pass_context
def realpath(context: Context, path: str) -> Value:
    """
    >>> evaluate("'/usr/../etc/./hosts' | realpath")
    '/etc/hosts'
    """
    return _asked(context, "realpath", path)


@pass_context
def fileglob(context: Context, pattern: str) -> Value:
    """Files of the controller that match, as full paths; directories do not count.

    >>> evaluate("'/etc/host[s]' | fileglob")
    ['/etc/hosts']
    """
    return _asked(context, "fileglob", pattern)


def _asked(context: Context, what: str, path: str) -> Value:
    return scope_of(context).effects.ask(Effect("path", (what, str(path))))


FILTERS: Mapping[str, Callable[..., Any]] = {
    "basename": basename, "dirname": dirname, "splitext": splitext, "relpath": relpath,
    "commonpath": commonpath, "normpath": normpath, "path_join": path_join,
    "win_basename": win_basename, "win_dirname": win_dirname, "win_splitdrive": win_splitdrive,
    "expanduser": expanduser, "expandvars": expandvars, "realpath": realpath, "fileglob": fileglob,
}
