# Made from the declaration of the step: BLESS=1 cargo test --release --test generated
"""microtome's steps as components of Kubeflow Pipelines: `tile(...)` in a pipeline makes a task.

Arguments are keywords, with the types and defaults that the steps declare; `help(tile)` says what each of them is. Images are
those of the machine that built them until `tile.with_image(...)` or `pin(index)` names those of a release.

Kubeflow Pipelines (`kfp`) itself is needed when a task is made, not before.
"""

from ._augment import augment
from ._component import Component
from ._filter_background import filter_background
from ._fit_normalize import fit_normalize
from ._fit_stain import fit_stain
from ._merge import merge
from ._normalize import normalize
from ._pin import Pinned, pin
from ._sample import sample
from ._scan import scan
from ._split import split
from ._stain_normalize import stain_normalize
from ._tile import tile

__version__ = "0.1.0"

#: Every component by its name, in the order in which data meets them.
COMPONENTS = {
    "scan": scan,
    "fit-normalize": fit_normalize,
    "normalize": normalize,
    "filter-background": filter_background,
    "tile": tile,
    "fit-stain": fit_stain,
    "stain-normalize": stain_normalize,
    "split": split,
    "sample": sample,
    "augment": augment,
    "merge": merge,
}

__all__ = [
    "COMPONENTS",
    "Component",
    "Pinned",
    "pin",
    "scan",
    "fit_normalize",
    "normalize",
    "filter_background",
    "tile",
    "fit_stain",
    "stain_normalize",
    "split",
    "sample",
    "augment",
    "merge",
]
