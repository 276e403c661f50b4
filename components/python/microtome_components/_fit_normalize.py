# Made from the declaration of the step: BLESS=1 cargo test --release --test generated
"""The component `fit-normalize`, version 1.0.0."""

from __future__ import annotations

import typing as t

from ._component import Channel, Component

if t.TYPE_CHECKING:
    from kfp.dsl import PipelineTask


class FitNormalize(Component):
    """Measures mean and standard deviation of each channel over a data set, exactly.

    # What it does
    Counts how often each of the 256 values of a sample occurs in each channel, over all pixels of
    all images (or of those whose `split` is the one named: means that have seen the test images are
    a leak). Items stay as they are; each gets the statistics as facts, and as JSON in
    `fit-normalize.profile`, where `normalize --numbers profile` reads them. For people and for
    other data sets, `profile.json` comes besides, with the counts: `normalize` takes it as
    `profile` (mean and standard deviation) and as `match_to` (reference of histogram matching), and
    takes several, whose counts it adds up.

    Images are counted upright, after the colour profile, over the background, with three channels
    (`mode: rgb`; grey files count as three equal channels) or one (`mode: grey`): give `normalize`
    the same `icc`, `background` and `mode`. Nothing that `normalize` does after that (white
    balance, contrast, size) is in the numbers. If you want numbers of what comes out of these, run
    `normalize` to PNG first, then this step on its output, then `normalize` again with `numbers:
    profile` alone.

    # Formula
    With n samples in a channel, S₁ their sum and S₂ the sum of their squares (integers): `mean = S₁
    / (255·n)`, `std = √(n·S₂ − S₁²) / (255·n)`. These are `x.mean()` and `x.std()` of numpy (of the
    population: n, not n − 1) for `x = samples / 255`, without rounding on the way: sums, products
    and the difference are exact integers, and each of the results is rounded three times in all.
    16-bit images are counted as 8-bit ones.

    Each *pixel* has the same weight, so large images speak louder than small ones.

    # Edge cases
    An image that cannot be decoded is left out and counted in `unreadable`; it stays an item, and
    whoever needs its pixels will say what is wrong with it. If no image is left, the run says so
    and gives no statistics; with `per: group`, the facts of that group are null. `mode: grey` gives
    the same number for red, green and blue. A channel that is constant has a standard deviation of
    0, by which nothing can be divided: `normalize` refuses it.

    # Determinism
    Counts are integers: the same bits for any order of images, any number of threads, and any
    division into groups. Profiles of parts, added up, equal the profile of the whole.

    # Cost
    Each image is decoded once. Memory is that of the images at work, and 6 KiB for each group.

    # Examples
    ```sh
    microtome fit-normalize photos -o fitted
    microtome fit-normalize splitted -o fitted --split train
    microtome fit-normalize photos -o nights --mode grey --per group
    ```
    """

    def __call__(
        self,
        *,
        dataset: t.Optional[Channel] = None,
        background: t.Union[str, Channel] = "#ffffff",
        icc: t.Union[t.Literal["to-srgb", "ignore"], Channel] = "to-srgb",
        mode: t.Union[t.Literal["rgb", "grey", "auto"], Channel] = "rgb",
        per: t.Union[t.Literal["all", "group"], Channel] = "all",
        split: t.Union[str, Channel, None] = None,
        input_uri: t.Union[str, Channel] = "",
        output_uri: t.Union[str, Channel] = "",
        input_digest: t.Union[str, Channel] = "",
        leg: t.Union[str, Channel] = "",
        shard_index: t.Union[int, Channel] = 0,
        shard_count: t.Union[int, Channel] = 1,
        threads: t.Union[int, Channel] = 0,
        max_failures: t.Union[str, Channel] = "0",
        pack: t.Union[str, Channel] = "",
        max_decoded: t.Union[str, Channel] = "",
    ) -> PipelineTask:
        """Makes a task of `fit-normalize` 1.0.0. Measures mean and standard deviation of each channel
        over a data set, exactly.

        Args:
            dataset: The dataset that an earlier step gave. In place of `input_uri`.
            background: What lies behind half-transparent pixels, as `#rrggbb`.
            icc: What is done with a colour profile.
            mode: Which channels are counted: `rgb` or `grey`; `auto` has no common statistics and
                is refused.
            per: Over which images statistics are taken.
            split: Only images whose column `split` has this value are counted; all, if not given.
                The facts are those of all items.
            input_uri: A dataset: a mounted folder, or an az://, abfss://, s3:// or gs:// prefix. In
                place of the artifact `dataset`; the bulk stays where it is.
            output_uri: Where the dataset is made: a mounted folder or a prefix. A stable place is
                gone on with, so that only what is missing is done. Empty: the artifact's own place.
            input_digest: BLAKE3 of the manifest that is read (`manifest_digest` of the step
                before), so that Kubeflow's cache sees content. Held to it, if given; for a step that
                lists, it is only part of the cache's key.
            leg: `K:STEP,STEP,…`: this is the K-th step of this chain, all of which is done in
                `output_uri`, a process each.
            shard_index: Which part of the units is done, from 0.
            shard_count: In how many parts the units are dealt; 1: all at once.
            threads: Threads that do work; 0: one per core that the container may use.
            max_failures: Failed units that are still a success: `N` or `P%`.
            pack: Lay outputs down in tars (WebDataset shards) of about this size (`512MiB`); empty:
                a file each.
            max_decoded: Largest decoded source tile or photo that is accepted (`1GiB`); empty: the
                default.
        """
        return self._task(locals())


fit_normalize = FitNormalize("fit-normalize", "1.0.0", "localhost/microtome-fit-normalize:1.0.0")
