"""Rendering of templates and conditions: pure, native types, strict about what is undefined.

Callers need `Templar` (templar.py), `Effect`/`NeedEffect`/`Effects` (effects.py) and `Names` (names.py).
Variables come from a `provisioner.vars.scope.Scope`. This package is the only one that imports jinja2.
"""
