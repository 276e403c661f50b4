"""Components with the images of a release."""

from __future__ import annotations

import json
import pathlib
import typing as t
import urllib.parse
import urllib.request

from ._component import Component

#: Largest index that is read.
_MOST_BYTES = 16 << 20
#: Seconds until a server has to have answered.
_TIMEOUT = 30


class Pinned:
    """Every component with the image that an index names for its version: `pinned.tile(...)`."""

    def __init__(self, place: str, components: t.Dict[str, t.Union[Component, str]]) -> None:
        self._place = place
        self._components = components

    def __getitem__(self, name: str) -> Component:
        found = self._components.get(name)
        if found is None:
            raise KeyError(f"no such component: {name}; there are: {', '.join(self._components)}")
        if isinstance(found, str):
            raise LookupError(f"{self._place}: {found}")
        return found

    # Any: every component has a signature of its own.
    def __getattr__(self, name: str) -> t.Any:
        step = name.replace("_", "-")
        if name.startswith("_") or step not in self._components:
            raise AttributeError(name)
        return self[step]

    def __dir__(self) -> t.List[str]:
        return [name.replace("-", "_") for name in self._components]


def pin(index: t.Union[str, pathlib.Path]) -> Pinned:
    """The components of this package with the images that an index names.

    A component whose version is not in the index is refused when it is used: its arguments are those of another version.

    Args:
        index: Path or URL (`http`, `https`) of an `index.json`.
    """
    from . import COMPONENTS

    place = urllib.parse.urlsplit(str(index))._replace(query="", fragment="")
    # What is said of a URL has neither a password nor a signature in it.
    shown = place._replace(netloc=place.netloc.rpartition("@")[2]).geturl()
    content = _read(str(index))
    if len(content) > _MOST_BYTES:
        raise ValueError(f"{shown}: no index of components has more than {_MOST_BYTES} bytes")
    try:
        document = json.loads(content)
        version = document["microtome-index"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{shown}: no index of components ({type(error).__name__})") from None
    if version != 1:
        raise ValueError(f"{shown}: an index of version {version!r}; this package reads version 1")
    images: t.Dict[t.Tuple[str, str], str] = {}
    versions: t.Dict[str, t.List[str]] = {}
    try:
        for line in document["components"]:
            images[line["name"], line["version"]] = line["image"]
            versions.setdefault(line["name"], []).append(line["version"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{shown}: no index of components ({type(error).__name__})") from None

    pinned: t.Dict[str, t.Union[Component, str]] = {}
    for name, component in COMPONENTS.items():
        image = images.get((name, component.version))
        if image is None:
            there = ", ".join(map(str, versions.get(name, []))) or "none"
            pinned[name] = (
                f"it has no {name} {component.version}, which this package has the arguments of (there: {there})"
            )
        else:
            pinned[name] = component.with_image(image)
    return Pinned(shown, pinned)


def _read(index: str) -> bytes:
    """The file, or as much of it as shows that it is too large."""
    if index.startswith(("http://", "https://")):
        with urllib.request.urlopen(index, timeout=_TIMEOUT) as answer:
            return answer.read(_MOST_BYTES + 1)
    with open(index, "rb") as file:
        return file.read(_MOST_BYTES + 1)
