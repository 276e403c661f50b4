"""What the SDK of Kubeflow Pipelines makes of compiled pipelines: FOLDER holds them, ROOT is the project's."""

import json
import sys
from pathlib import Path
from typing import NamedTuple

import yaml
from google.protobuf import json_format
from kfp import compiler, components, dsl, kubernetes, local
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.local import docker_task_handler
from kfp.pipeline_spec import pipeline_spec_pb2

folder, root = Path(sys.argv[1]), Path(sys.argv[2])


def strict(path):
    """Both documents, read by the messages that the cluster reads them by."""
    documents = list(yaml.safe_load_all(path.read_text()))
    spec = json_format.ParseDict(documents[0], pipeline_spec_pb2.PipelineSpec())
    assert spec.schema_version == "2.1.0"
    if len(documents) > 1:
        json_format.ParseDict(documents[1], pipeline_spec_pb2.PlatformSpec())
        for config in documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values():
            json_format.ParseDict(config, kubernetes_executor_config_pb2.KubernetesExecutorConfig())
    return documents


# --- The same pipeline as `same.yaml`, in Python.

scan, tile, split, merge = (
    components.load_component_from_file(str(root / "components" / name / "component.yaml"))
    for name in ("scan", "tile", "split", "merge")
)
CHAIN = "scan,tile,split"


def may_use(task):
    task.set_cpu_request("500m").set_cpu_limit("2").set_memory_request("8Gi").set_memory_limit("16G")
    task.set_env_variable("AWS_REGION", "eu-1").set_caching_options(True)
    task.set_retry(2, backoff_duration="30s", backoff_factor=2.0, backoff_max_duration="3600s")
    kubernetes.mount_pvc(task, "data", "/data")
    kubernetes.use_secret_as_env(task, "s3", {"secret": "KEY"}, optional=False)
    kubernetes.add_pod_label(task, "team", "pathology")
    kubernetes.add_node_selector(task, "pool", "large")
    kubernetes.add_toleration(task, key="spot", operator="Equal", value="yes", effect="NoExecute", toleration_seconds=30)
    kubernetes.empty_dir_mount(task, "scratch", "/tmp", size_limit="20Gi")
    return task


Given = NamedTuple("Given", [
    ("dataset", dsl.Dataset), ("metrics", dsl.Metrics), ("report", dsl.HTML),
    ("manifest_digest", str), ("items", int), ("failures", int),
])


def all_of(task):
    return Given(*(task.outputs[name] for name in Given._fields))


@dsl.pipeline(name="tile-dealt")
def tile_dealt(dataset: dsl.Input[dsl.Dataset], input_digest: str, output_uri: str) -> Given:
    leg = f"2:{CHAIN}"
    with dsl.ParallelFor([0, 1], name="shards") as index:
        shard = may_use(tile(dataset=dataset, input_digest=input_digest, output_uri=output_uri, leg=leg,
                             mpp=0.75, threads=2, shard_index=index, shard_count=2))
    merged = may_use(merge(output_uri=output_uri, leg=leg, shard_count=2,
                           input_digests=dsl.Collected(shard.outputs["manifest_digest"])))
    return all_of(merged)


@dsl.pipeline(name="pipeline")
def same(input_uri: str = "az://in/x", output_uri: str = "az://out/y") -> Given:
    first = may_use(scan(input_uri=input_uri, output_uri=output_uri, leg=f"1:{CHAIN}", threads=2))
    second = tile_dealt(dataset=first.outputs["dataset"], input_digest=first.outputs["manifest_digest"],
                        output_uri=output_uri)
    third = may_use(split(dataset=second.outputs["dataset"], input_digest=second.outputs["manifest_digest"],
                          output_uri=output_uri, leg=f"3:{CHAIN}", threads=2))
    return all_of(third)


def plain(documents, names):
    """Without what only people read, and under the same names: ours are by leg, the SDK's by number."""
    text = json.dumps(documents, sort_keys=True)
    for theirs, ours in names:
        text = text.replace(theirs, ours)

    def walk(value):
        if isinstance(value, dict):
            value = {key: walk(inner) for key, inner in value.items()}
            if set(value) == {"enableCache"} and not value["enableCache"]:
                value = {}
            if isinstance(value.get("raw"), str):
                value["raw"] = json.loads(value["raw"])
            # Neither given nor with a default: no input. `mpp` is given.
            if "executorLabel" in value:
                parameters = value["inputDefinitions"]["parameters"]
                value["inputDefinitions"]["parameters"] = {
                    name: one for name, one in parameters.items() if "defaultValue" in one or name == "mpp"
                }
            # A pipeline has no cache of its own: the SDK says so all the same.
            if value.get("componentRef", {}).get("name", "").endswith("-dealt"):
                value.pop("cachingOptions", None)
            return value
        return [walk(inner) for inner in value] if isinstance(value, list) else value

    spec, platform = walk(json.loads(text))
    for gone in ("pipelineInfo", "sdkVersion"):
        spec.pop(gone)
    return spec, platform


def differences(a, b, at=""):
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(a.keys() | b.keys()):
            yield from differences(a.get(key), b.get(key), f"{at}.{key}")
    elif a != b:
        yield f"{at}: {a} and in Python {b}"


def compare():
    theirs = folder / "theirs.yaml.out"
    compiler.Compiler().compile(same, str(folder / "theirs.yaml"))
    (folder / "theirs.yaml").rename(theirs)
    names = [
        ("comp-for-loop-1", "comp-tile-shards"), ("comp-for-loop-2", "comp-tile-shards"),
        ('"for-loop-1"', '"tile-shards"'), ('"for-loop-2"', '"tile-shards"'),
        ("exec-merge", "exec-tile-merge"), ("comp-merge", "comp-tile-merge"),
        ('"tile-dealt"', '"tile"'), ('"producerSubtask": "merge"', '"producerSubtask": "tile-merge"'),
        ('"merge": {"cachingOptions"', '"tile-merge": {"cachingOptions"'),
    ]
    ours = plain(strict(folder / "same.yaml"), [])
    found = list(differences(ours, plain(strict(theirs), names)))
    assert not found, "\n".join(found)


# --- Run, with a program in place of the containers.

CALLS = []
PLACES = set()


class Nothing:
    def close(self):
        pass

    def info(self):
        return {}


def answer(client, image, command, volumes, **more):
    """What a step answers: every output; the digest says who made it."""
    assert command[1:] != [] and command[-2] == "--executor-input", command
    given = json.loads(command[-1])
    values = given["inputs"].get("parameterValues", {})
    artifacts = given["inputs"].get("artifacts", {})
    step = command[0].removeprefix("/microtome-")
    if step == "/microtome":
        step = command[1]
    assert command[0] in ("/microtome", f"/microtome-{step}") and image.startswith("localhost/microtome")
    leg, shard = values["leg"], int(values.get("shard_index", 0))
    count = int(values.get("shard_count", 1))
    if step == "merge":
        digest = f"merged {leg}"
    else:
        digest = f"{leg} {shard}/{count}"
    CALLS.append((step, values, [a["artifacts"][0] for a in artifacts.values()]))
    outputs = given["outputs"]
    made = {}
    for name, artifact in outputs["artifacts"].items():
        one = artifact["artifacts"][0]
        # No task writes where another one did.
        assert one["uri"] not in PLACES, one
        PLACES.add(one["uri"])
        Path(one["uri"]).parent.mkdir(parents=True, exist_ok=True)
        if name == "report":
            Path(one["uri"]).write_text("<p>")
        one["metadata"] = {"manifest_digest": digest} if name == "dataset" else {}
        made[name] = {"artifacts": [one]}
    parameters = {"manifest_digest": digest, "items": 3, "failures": 0}
    assert set(outputs["parameters"]) == set(parameters)
    file = Path(outputs["outputFile"])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"parameterValues": parameters, "artifacts": made}))
    return 0


def run(path, pipeline):
    """Every leg sees the digest and the dataset of the one before it; a merge the digests of all its shards, in order."""
    CALLS.clear()
    PLACES.clear()
    task = pipeline(output_uri="/data/out")
    before = None
    legs = {}
    for step, values, given in CALLS:
        assert values["output_uri"] == "/data/out"
        legs.setdefault(int(values["leg"].split(":")[0]), []).append((step, values, given))
    chain = CALLS[0][1]["leg"].split(":")[1].split(",")
    assert sorted(legs) == list(range(1, len(chain) + 1)), legs
    for number, calls in sorted(legs.items()):
        shards = [call for call in calls if call[0] != "merge"]
        for step, values, given in shards:
            assert step == chain[number - 1]
            if before is None:
                assert values["input_uri"] and not values.get("input_digest") and not given
            else:
                assert values["input_digest"] == before, (values, before)
                assert [a["metadata"]["manifest_digest"] for a in given] == [before]
        count = len(shards)
        indices = sorted(int(values.get("shard_index", 0)) for _, values, _ in shards)
        assert indices == list(range(count))
        leg = shards[0][1]["leg"]
        parts = [f"{leg} {index}/{count}" for index in range(count)]
        merges = [values for step, values, _ in calls if step == "merge"]
        if count == 1:
            assert not merges
            before = parts[0]
        else:
            assert [values["input_digests"] for values in merges] == [parts], merges
            assert merges[0]["leg"] == leg and int(merges[0]["shard_count"]) == count
            before = f"merged {leg}"
    assert task.outputs["manifest_digest"] == before
    assert task.outputs["dataset"].metadata["manifest_digest"] == before


def main():
    import docker

    files = sorted(folder.glob("*.yaml"))
    loaded = []
    for path in files:
        strict(path)
        loaded.append((path, components.load_component_from_file(str(path))))
    compare()
    docker.from_env = Nothing
    docker_task_handler.run_docker_container = answer
    local.init(runner=local.DockerRunner(), pipeline_root=str(folder / "root"), raise_on_error=True)
    for path, pipeline in loaded:
        run(path, pipeline)
    print(f"{len(loaded)} pipelines loaded, 1 compared, {len(loaded)} run")


main()
