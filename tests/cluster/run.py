"""Runs a compiled pipeline with kfp.local.DockerRunner; prints one JSON object: what each container was and how it ended.

    python run.py PIPELINE.yaml PIPELINE_ROOT '{"input_uri": …, "output_uri": …}'

kfp.local removes a container as soon as it ends and takes one that is gone for a success, so that failures pass for
successes (kubeflow/pipelines#13332). Here a container stays until its exit code was read.
"""
import json
import os
import sys

from kfp import components, local
from kfp.local import docker_task_handler

ran = []


def run_docker_container(client, image, command, volumes, **options):
    options.pop("auto_remove", None)
    container = client.containers.run(
        image=image, command=command, volumes=volumes, detach=True, auto_remove=False, **options)
    try:
        code = container.wait()["StatusCode"]
        log = container.logs(stdout=True, stderr=True).decode(errors="replace")
        ran.append({"image": image, "command": command[0], "exit": code, "log": log})
        return code
    finally:
        container.remove(force=True)


docker_task_handler.run_docker_container = run_docker_container


def main(pipeline, root, arguments):
    # As a cluster should have it: nothing but the mounted folder can be written, and nobody is root.
    runner = local.DockerRunner(
        user="65532:65532", read_only=True, cap_drop=["ALL"], network_mode="none",
        security_opt=["no-new-privileges"], tmpfs={"/tmp": "mode=1777,size=512m"})
    local.init(runner, pipeline_root=root, raise_on_error=True)
    answer = {}
    try:
        ended = components.load_component_from_file(pipeline)(**arguments)
        for name, value in ended.outputs.items():
            artifact = getattr(value, "metadata", None)
            answer[name] = value if artifact is None else {"path": value.path, "metadata": dict(artifact)}
    except RuntimeError as error:
        answer["error"] = str(error)
    return {"ran": ran, "outputs": answer}


if __name__ == "__main__":
    # kfp prints as it goes: what is read from outside is the answer alone.
    out = os.dup(1)
    os.dup2(2, 1)
    answer = main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
    with os.fdopen(out, "w") as stdout:
        json.dump(answer, stdout)
