"""What every component has: its file, its image, and how a task is made of it."""

from __future__ import annotations

import copy
import inspect
import pathlib
import typing as t

if t.TYPE_CHECKING:
    from kfp.dsl import PipelineTask
    from kfp.dsl.pipeline_channel import PipelineChannel as Channel
else:
    #: An output of another task, a parameter of the pipeline, or an item of a loop.
    Channel = t.Any

_C = t.TypeVar("_C", bound="Component")

#: Values that can be compared. A channel cannot: `==` makes a condition of it.
_PLAIN = (str, int, float, bool, type(None))


class Component:
    """A component of Kubeflow Pipelines. Called within a pipeline, it makes a task."""

    def __init__(self, name: str, version: str, image: str) -> None:
        self.name = name
        self.version = version
        self.image = image
        self._own_image = image
        self._loaded: t.Any = None

    def __repr__(self) -> str:
        return f"<component {self.name} {self.version} ({self.image})>"

    @property
    def path(self) -> pathlib.Path:
        """The component file, for `kfp.components.load_component_from_file`."""
        return pathlib.Path(__file__).with_name(f"{self.name}.yaml")

    def with_image(self: _C, image: str) -> _C:
        """The same component with another image, of a release for example: `…@sha256:…`."""
        if not isinstance(image, str) or not image or not image.isprintable() or " " in image:
            raise ValueError(f"{image!r} is no image")
        other = copy.copy(self)
        other.image = image
        other._loaded = None
        return other

    def load(self) -> t.Any:
        """The component as Kubeflow Pipelines itself has it."""
        if self._loaded is None:
            try:
                from kfp import components
                import yaml
            except ImportError as error:
                raise ImportError(
                    f"a task of `{self.name}` needs Kubeflow Pipelines, which cannot be imported "
                    f"({error}): pip install 'kfp>=2.17,<3'"
                ) from error
            text = self.path.read_text(encoding="utf-8")
            if self.image != self._own_image:
                document = yaml.safe_load(text)
                for executor in document["deploymentSpec"]["executors"].values():
                    executor["container"]["image"] = self.image
                text = yaml.safe_dump(document, allow_unicode=True)
            self._loaded = components.load_component_from_text(text)
        return self._loaded

    def _task(self, given: t.Dict[str, t.Any]) -> PipelineTask:
        """A task of the arguments that `__call__` was given; defaults are left to the component."""
        make = self.load()
        kinds = {name: one.type for name, one in make.component_spec.inputs.items()}
        declared = inspect.signature(type(self).__call__).parameters
        # An input whose name is a word of the language (`lambda`) has an argument with `_` at its end.
        arguments = {
            name.rstrip("_"): _as(kinds[name.rstrip("_")], value)
            for name, value in given.items()
            if name in declared and name != "self" and not _is(value, declared[name].default)
        }
        return make(**arguments)


def _as(kind: str, value: t.Any) -> t.Any:
    """A value as the SDK wants it: it has no tuples, and takes no `1` where `1.0` is asked for."""
    if kind == "Float" and type(value) is int:
        return float(value)
    return list(value) if isinstance(value, tuple) else value


def _is(value: t.Any, default: t.Any) -> bool:
    """Whether a value is the default."""
    if isinstance(default, tuple):
        return (
            isinstance(value, (list, tuple))
            and len(value) == len(default)
            and all(_is(a, b) for a, b in zip(value, default))
        )
    return isinstance(value, _PLAIN) and type(value) is type(default) and value == default
