"""Holds the files of a folder to the schemas of Kubernetes, strictly, version by version, and says what a reader of YAML 1.1
finds in them: {"versions": […], "wrong": […], "documents": {file: […]}}."""

import copy
import functools
import json
import pathlib
import sys

import kubernetes_validate
import yaml
from kubernetes_validate import utils

# Schemas are megabytes, and read once for each document otherwise.
utils.schema_contents = functools.cache(utils.schema_contents)

versions = [v for v in utils.all_versions() if tuple(map(int, v.split(".")[:2])) >= (1, 31)]
versions = list(dict.fromkeys(map(utils.major_minor, versions)))
wrong, documents = [], {}
for file in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    documents[file.name] = list(yaml.safe_load_all(file.read_text()))
    for index, document in enumerate(documents[file.name]):
        for version in versions:
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except Exception as error:
                wrong.append(f"{file.name}[{index}] {version}: {str(error)[:500]}")
        # Only what can refuse has said anything.
        if document["kind"] == "Job":
            document = copy.deepcopy(document)
            document["spec"]["template"]["spec"]["restartPolice"] = "Never"
            for version in versions:
                try:
                    kubernetes_validate.validate(document, version, strict=True)
                    wrong.append(f"{file.name}[{index}] {version}: an unknown field was taken")
                except kubernetes_validate.ValidationError:
                    pass
json.dump({"versions": versions, "wrong": wrong, "documents": documents}, sys.stdout)
