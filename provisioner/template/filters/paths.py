"""Paths as text: nothing here looks at a file."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from typing import Any


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
    return parts if isinstance(parts, str) else posixpath.join(*parts)


FILTERS: Mapping[str, Callable[..., Any]] = {
    "basename": basename, "dirname": dirname, "splitext": splitext, "relpath": relpath,
    "commonpath": commonpath, "normpath": normpath, "path_join": path_join,
}
