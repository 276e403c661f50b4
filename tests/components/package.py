"""Looks at the package `microtome_components` as its users do, with or without the SDK, and says what it found as JSON.

usage: package.py PACKAGE_FOLDER bare|kfp SCRATCH
"""

import ast
import inspect
import json
import os
import pathlib
import sys

folder, mode, scratch = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
sys.path.insert(0, str(folder))
sys.dont_write_bytecode = True


class Blocked:
    """Finds no SDK, whatever this Python has."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("kfp", "yaml"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def said(call):
    """The error of a call; null when there is none."""
    try:
        call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def bare():
    sys.meta_path.insert(0, Blocked())
    import microtome_components as package

    for file in sorted((folder / "microtome_components").glob("*.py")):
        # The oldest Python that is promised.
        ast.parse(file.read_text(encoding="utf-8"), str(file), feature_version=(3, 9))

    components = {}
    for name, component in package.COMPONENTS.items():
        module = name.replace("-", "_")
        assert getattr(package, module) is component and module in package.__all__, name
        parameters = inspect.signature(component).parameters.values()
        assert all(p.kind is p.KEYWORD_ONLY for p in parameters), name
        components[name] = {
            "version": component.version,
            "image": component.image,
            "file": component.path.read_text(encoding="utf-8"),
            "doc": inspect.getdoc(type(component)),
            "words": inspect.getdoc(type(component).__call__),
            "parameters": {p.name: [p.annotation, p.default] for p in parameters},
        }

    def write(name, text):
        (scratch / name).write_text(text)
        return str(scratch / name)

    def line(name, version, image):
        return {"name": name, "version": version, "image": image}

    digest = "sha256:" + "0" * 64
    tile = package.tile
    index = {
        "microtome-index": 1,
        "components": [
            line("tile", "0.0.1", "elsewhere/tile:0.0.1"),
            line("tile", tile.version, f"elsewhere/tile@{digest}"),
            line("fit-stain", package.fit_stain.version, f"elsewhere/fit-stain@{digest}"),
            line("split", "0.0.1", "elsewhere/split:0.0.1"),
        ],
    }
    pinned = package.pin(write("index.json", json.dumps(index)))
    own = package.pin(folder.parent / "index.json")
    later = dict(index, **{"microtome-index": 2})
    print(
        json.dumps(
            {
                "components": components,
                "modules": sorted(m for m in sys.modules if m.split(".")[0] in ("kfp", "yaml")),
                "call": said(lambda: tile(tile_px=512)),
                "pinned": [pinned.tile.image, pinned.fit_stain.image, pinned["fit-stain"].image, tile.image],
                "own": [own[name].image for name in package.COMPONENTS],
                "refusals": {
                    "another version": said(lambda: pinned.split),
                    "not listed": said(lambda: pinned["scan"]),
                    "no component": said(lambda: pinned.till),
                    "later index": said(lambda: package.pin(write("later.json", json.dumps(later)))),
                    "no index": said(lambda: package.pin(write("none.json", "<html>"))),
                    "a list": said(lambda: package.pin(write("list.json", "[]"))),
                    "deep": said(lambda: package.pin(write("deep.json", "[" * 100_000))),
                    "huge": said(lambda: package.pin(write("huge.json", " " * (16 << 20) + "{}"))),
                    "no image": said(lambda: tile.with_image("a b")),
                },
            }
        )
    )


def kfp():
    import microtome_components as package
    import yaml
    from kfp import compiler, components, dsl

    def compiled(body, name):
        path = scratch / "pipeline.yaml"
        compiler.Compiler().compile(dsl.pipeline(name=name)(body), str(path))
        return yaml.safe_load(path.read_text())

    def pipeline(make):
        """The same pipeline of the package's callables and of files that are loaded by hand."""

        def body(images: str, quality: int = 90):
            scan = make("scan", input_uri=images, include=["*.svs"])
            with dsl.ParallelFor([0, 1]) as shard:
                tile = make(
                    "tile",
                    dataset=scan.outputs["dataset"],
                    input_digest=scan.outputs["manifest_digest"],
                    tile_px=512,
                    mpp=0.5,
                    quality=quality,
                    edges="pad",
                    shard_index=shard,
                    shard_count=2,
                )
            merge = make("merge", datasets=dsl.Collected(tile.outputs["dataset"]), shard_count=2)
            split = make("split", dataset=merge.outputs["dataset"], stratify=["label", "group"])
            # The name of this input is a word of the language.
            make("fit-stain", dataset=split.outputs["dataset"], lambda_=0.25)

        return body

    def by_hand(name, **arguments):
        arguments = {key.rstrip("_"): value for key, value in arguments.items()}
        file = folder.parent / name / "component.yaml"
        return components.load_component_from_file(str(file))(**arguments)

    def of_package(name, **arguments):
        return package.COMPONENTS[name](**arguments)

    # Defaults that are spelled out, tuples and whole numbers are the same task.
    def spelled_out():
        package.tile(tile_px=256, mpp=1, edges="skip", input_uri="", shard_count=1)
        package.split(stratify=("label",), audit=["tile.source_id"])

    def left_out():
        package.tile(mpp=1.0)
        package.split()

    image = "elsewhere/tile@sha256:" + "0" * 64
    other = compiled(lambda: package.tile.with_image(image)(tile_px=512) and None, "image")

    # What the package's own page shows.
    page = (folder / "README.md").read_text(encoding="utf-8")
    os.chdir(scratch)
    exec(page.split("```python\n")[1].split("```")[0], {"__name__": "page"})

    def given(**arguments):
        return said(lambda: compiled(lambda: package.tile(**arguments) and None, "wrong"))

    print(
        json.dumps(
            {
                "package": compiled(pipeline(of_package), "same"),
                "by hand": compiled(pipeline(by_hand), "same"),
                "spelled out": compiled(spelled_out, "same"),
                "left out": compiled(left_out, "same"),
                "page": yaml.safe_load((scratch / "patches.yaml").read_text())["pipelineInfo"]["name"],
                "image": other["deploymentSpec"]["executors"]["exec-tile"]["container"]["image"],
                "refusals": {"text": given(tile_px="512"), "unknown": given(tile_pxx=1)},
            }
        )
    )


bare() if mode == "bare" else kfp()
