"""Templates made of several files: `include`, `import … as`, `from … import` and `extends`.

Which file a name stands for is the controller's to answer (`Effect("part", (name,), beside=DIRECTORY)`); looked for
where the task looks for templates, then beside the file that names it. What a part reads comes from the same scope;
names that the outer template set win over it, as Jinja passes them on.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any, TypeAlias, cast

from jinja2 import nodes
from jinja2.environment import Template as JinjaTemplate
from jinja2.environment import TemplateModule
from jinja2.exceptions import TemplateNotFound, TemplatesNotFound
from jinja2.runtime import Context, Undefined
from jinja2.utils import missing, pass_context

from provisioner.template.effects import Effect
from provisioner.template.marks import Missing

_NAMING: TypeAlias = nodes.Include | nodes.Import | nodes.FromImport | nodes.Extends
_NAMING_KINDS = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)

#: The kind of effect that finds the file of a part.
PART = "part"


def names_parts(tree: nodes.Template) -> bool:
    return any(True for _ in tree.find_all(_NAMING_KINDS))


def ask_for_parts(tree: nodes.Template) -> nodes.Template:
    """`{% include x %}` becomes `{% include environment.part(x) %}`: Jinja's loaders know no scope, a call does."""
    for node in tree.find_all(_NAMING_KINDS):
        naming = cast(_NAMING, node)
        finder = nodes.EnvironmentAttribute("part", lineno=naming.lineno)
        naming.template = nodes.Call(finder, [naming.template], [], None, None, lineno=naming.lineno)
    return tree


@pass_context
def part(context: Context, named: Any) -> JinjaTemplate:
    """The template that a name, or the first of a list of names that exists, stands for."""
    names = named if isinstance(named, (list, tuple)) else [named]
    for name in names:
        if isinstance(name, Missing):
            name.refuse()
        found = _find(context, str(name))
        if found is not None:
            return _bound(context, found)
    if len(names) == 1 and not isinstance(names[0], Undefined):
        raise TemplateNotFound(str(names[0]), f"template not found: {names[0]}")
    raise TemplatesNotFound([str(name) for name in names])


def _find(context: Any, name: str) -> Mapping[str, Any] | None:
    beside = (("beside", posixpath.dirname(context.name)),) if context.name else ()
    found: Mapping[str, Any] | None = context.scope.effects.ask(Effect(PART, (name,), beside))
    return found


def _bound(context: Any, found: Mapping[str, Any]) -> JinjaTemplate:
    """The compiled part, with the scope of this rendering."""
    if found["decrypted"]:
        context.decrypted.append(found["path"])
    bound: Part = object.__new__(Part)  # a copy: Template's own __new__ wants a source to compile
    vars(bound).update(vars(context.environment.compiled(found["path"], found["source"])), within=context)
    return bound


class Part(JinjaTemplate):
    """A compiled file; its contexts continue that of the rendering `within` which it was asked for."""

    within: Any

    def new_context(self, vars: dict[str, Any] | None = None, shared: bool = False,
                    locals: Mapping[str, Any] | None = None) -> Context:
        set_here = {name: value for name, value in (locals or {}).items() if value is not missing}
        context: Context = self.within.for_part(self.name, self.blocks, {**(vars or {}), **set_here})
        return context

    def make_module(self, vars: dict[str, Any] | None = None, shared: bool = False,
                    locals: Mapping[str, Any] | None = None) -> TemplateModule:
        return PartModule(self, self.new_context(vars, shared, locals))


class PartModule(TemplateModule):
    """What `import` gives. Printed, it is text."""

    def __str__(self) -> str:
        text: str = self._joined(self._body_stream)
        return text

    def __init__(self, template: JinjaTemplate, context: Context) -> None:
        super().__init__(template, context)
        environment: Any = context.environment
        self._joined = environment.as_text


def compile_part(environment: Any, path: str, source: str) -> JinjaTemplate:
    code = environment.compile(environment.parse(source, path, path), path, path)
    template: JinjaTemplate = Part.from_code(environment, code, environment.make_globals(None))
    return template


def came_through(error: BaseException, output: Any) -> Iterator[tuple[JinjaTemplate, int]]:
    """The templates an exception came through, outermost first, each with the line in its source.

    output: the generator of the rendering; it still stands at a line when putting its output together failed.
    """
    for frame, line in (*_raised(error), *_suspended(output)):
        template = frame.f_globals.get("__jinja_template__")
        if template is not None:
            yield template, template.get_corresponding_lineno(line)


def _raised(error: BaseException) -> Iterator[tuple[FrameType, int]]:
    step = error.__traceback__
    while step is not None:
        yield step.tb_frame, step.tb_lineno
        step = step.tb_next


def _suspended(output: Any) -> Iterator[tuple[FrameType, int]]:
    frame: FrameType | None = getattr(output, "gi_frame", None)
    while frame is not None:
        yield frame, frame.f_lineno
        output = output.gi_yieldfrom or frame.f_locals.get("gen")  # Jinja's name for what an include yields
        frame = getattr(output, "gi_frame", None)
