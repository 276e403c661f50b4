# Made from the declaration of the step: BLESS=1 cargo test --release --test generated
"""The component `merge`, version 0.1.0."""

from __future__ import annotations

import typing as t

from ._component import Channel, Component

if t.TYPE_CHECKING:
    from kfp.dsl import PipelineTask


class Merge(Component):
    """Joins the parts that the shards of a step made to one dataset.
    """

    def __call__(
        self,
        *,
        datasets: t.Optional[Channel] = None,
        output_uri: t.Union[str, Channel] = "",
        leg: t.Union[str, Channel] = "",
        shard_count: t.Union[int, Channel] = 0,
        input_digests: t.Union[t.Sequence[str], Channel] = (),
    ) -> PipelineTask:
        """Makes a task of `merge` 0.1.0. Joins the parts that the shards of a step made to one
        dataset.

        Args:
            datasets: What the shards gave, where they have no `output_uri` in common.
            output_uri: Where the dataset is made: for the shards of a leg, the place in which they
                all wrote. Empty: the artifact's own place.
            leg: `K:STEP,STEP,…`: the shards of the K-th step of this chain are joined, in
                `output_uri`.
            shard_count: In how many parts the units were dealt; 0: as many as are found.
            input_digests: BLAKE3 of the parts' manifests (their `manifest_digest`), so that
                Kubeflow's cache sees content. Held to them, if given.
        """
        return self._task(locals())


merge = Merge("merge", "0.1.0", "localhost/microtome:0.1.0")
