"""Loads every component file with the SDK, compares it with the declaration that stands on stdin, composes all of
them in one pipeline and says what came of it, as JSON.

usage: load.py COMPONENTS_FOLDER < declarations.json
"""

import json
import pathlib
import sys
import tempfile

import yaml
from google.protobuf import json_format
from kfp import compiler, components, dsl
from kfp.dsl import types
from kfp.pipeline_spec import pipeline_spec_pb2

folder = pathlib.Path(sys.argv[1])
declared = json.load(sys.stdin)
loaded = {
    name: components.load_component_from_file(str(folder / name / "component.yaml")) for name in declared
}
wrong = []

# What the SDK calls the types.
TYPES = {
    "STRING": "String",
    "NUMBER_INTEGER": "Integer",
    "NUMBER_DOUBLE": "Float",
    "BOOLEAN": "Boolean",
    "LIST": "List",
}


def same(a, b):
    """Equal, and of one type: 1 is neither True nor 1.0."""
    return type(a) is type(b) and a == b


for name, component in declared.items():
    spec = loaded[name].component_spec
    if (spec.name, spec.description) != (name, component["does"]):
        wrong.append(f"{name}: {spec.name!r}, {spec.description!r}")
    inputs = dict(spec.inputs)
    artifact = inputs.pop(component["artifact"])
    if artifact.type != "system.Dataset@0.0.1" or not artifact.optional:
        wrong.append(f"{name}: {artifact}")
    if artifact.is_artifact_list != component["is_list"]:
        wrong.append(f"{name}: list of artifacts: {artifact.is_artifact_list}")
    if sorted(inputs) != sorted(component["inputs"]):
        wrong.append(f"{name}: inputs {sorted(inputs)}")
    for key, one in component["inputs"].items():
        found = inputs[key]
        if found.type != TYPES[one["type"]] or not found.optional or not same(found.default, one["default"]):
            wrong.append(f"{name}.{key}: {found} where {one} is declared")
    outputs = {key: output.type for key, output in spec.outputs.items()}
    if outputs != {key: TYPES.get(kind, f"{kind}@0.0.1") for key, kind in component["outputs"].items()}:
        wrong.append(f"{name}: outputs {outputs}")
    container = spec.implementation.container
    said = (container.image, list(container.command), list(container.args))
    if said != (component["image"], component["command"], ["--executor-input", "{{$}}"]):
        wrong.append(f"{name}: {said}")


def after(task, **arguments):
    """What a step needs of the one before: its dataset, and the digest that the cache sees."""
    return {
        "dataset": task.outputs["dataset"],
        "input_digest": task.outputs["manifest_digest"],
        **arguments,
    }


@dsl.pipeline(name="everything")
def everything(images: str, out: str, seed: int = 7) -> dsl.Dataset:
    scan = loaded["scan"](input_uri=images, output_uri=out, include=["*.svs"])
    fit = loaded["fit-normalize"](**after(scan))
    normalized = loaded["normalize"](**after(fit, quality=95))
    filtered = loaded["filter-background"](**after(normalized))
    with dsl.ParallelFor([0, 1, 2], parallelism=2) as shard:
        part = loaded["tile"](**after(filtered, tile_px=256, mpp=0.5, shard_index=shard, shard_count=3))
    tiled = loaded["merge"](
        datasets=dsl.Collected(part.outputs["dataset"]),
        input_digests=dsl.Collected(part.outputs["manifest_digest"]),
        shard_count=3,
    )
    stains = loaded["fit-stain"](**after(tiled))
    stained = loaded["stain-normalize"](**after(stains))
    split = loaded["split"](**after(stained, ratios="8/1/1", stratify=["label"], seed=seed))
    sample = loaded["sample"](**after(split, seed=seed))
    augmented = loaded["augment"](**after(sample, copies=2, seed=seed))
    return augmented.outputs["dataset"]


def compiled(pipeline):
    """The pipeline as a file, read again without leave for a field that the IR does not have."""
    with tempfile.TemporaryDirectory() as scratch:
        path = pathlib.Path(scratch) / "pipeline.yaml"
        compiler.Compiler().compile(pipeline, str(path))
        document = yaml.safe_load(path.read_text())
    return document, json_format.ParseDict(document, pipeline_spec_pb2.PipelineSpec())


document, spec = compiled(everything)
# The committed files are of that shape too, by themselves.
for name in declared:
    text = (folder / name / "component.yaml").read_text(encoding="utf-8")
    json_format.ParseDict(yaml.safe_load(text), pipeline_spec_pb2.PipelineSpec())


def refusal(body):
    """What the SDK says about a pipeline; null when it has nothing against it."""
    try:
        compiled(dsl.pipeline(name="wrong")(body))
    except (types.type_utils.InconsistentTypeException, TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def given(name, **arguments):
    return refusal(lambda: loaded[name](**arguments) and None)


def metrics_for_a_dataset():
    loaded["tile"](dataset=loaded["scan"](input_uri="images").outputs["metrics"])


def count_for_a_digest():
    loaded["tile"](input_digest=loaded["scan"](input_uri="images").outputs["items"])


print(
    json.dumps(
        {
            "wrong": wrong,
            "document": document,
            "tasks": len(spec.root.dag.tasks),
            "refusals": {
                "tile_px: text": given("tile", tile_px="large"),
                "input_uri: a number": given("tile", input_uri=1),
                "stratify: text": given("split", stratify="label"),
                "tile_pxx": given("tile", tile_pxx=1),
                "dataset: metrics": refusal(metrics_for_a_dataset),
                "input_digest: items": refusal(count_for_a_digest),
            },
            "allowed": given("tile", tile_px=512, mpp=1.0, min_tissue=0.25),
        }
    )
)
