# Made from the declaration of the step: BLESS=1 cargo test --release --test generated
"""The component `stain-normalize`, version 1.0.0."""

from __future__ import annotations

import typing as t

from ._component import Channel, Component

if t.TYPE_CHECKING:
    from kfp.dsl import PipelineTask


class StainNormalize(Component):
    """Brings images to the stains of a target: same tissue, same colours, whatever laboratory stained
    it.

    # What it does
    Separates each pixel's optical density into the amounts of two stains (or takes its CIELAB
    colour, with the Reinhard methods), scales them as the source profile and the target profile
    say, and puts the colour together again with the target's stains. The source profile is that of
    the image's slide by default (run `fit-stain` first): of single patches, estimates are 13° off
    at the median, and a blank patch has none. The target is `target`, else the one that `fit-stain`
    was given, else the method's own reference.

    *Nothing breaks on blank patches.* A fit must pass its gates: enough tissue, two stains that can
    be told apart, at angles that hematoxylin and eosin can have. If it does not, `on_degenerate`
    says what stands in, and the facts `source`, `status` say what did and why. No pixel is ever
    NaN.

    # Formula
    Stains: `out = io_t·exp(−Mᵀ·od)`, with `M = S⁺·diag(max_t / max_s)·S_t`: od of the source's
    scale (see `fit-stain`), S⁺ the pseudo-inverse of the source's stain vectors, S_t the target's.
    As the densities are functions of single samples, each output channel is a product of three
    tables of 256 factors: no logarithm and no exponential per pixel. With Vahadane, and with
    `clip_negative`, amounts are not negative (a lasso of two stains in closed form) and the product
    does not hold; that path computes three exponentials per pixel. Results are clipped to 255 and
    truncated (`cast: truncate`, as in torchstain and StainTools) or rounded.

    Reinhard: `out = (x − mean_s)·std_t/std_s + mean_t` per channel of CIELAB (D65); a std_s of 0
    changes only the mean. Modified: `L' = mean_s + (L − mean_s)(1 + q)`, `q = (std_t −
    std_s)/std_t`, 0.05 where that is not positive; a and b are moved to the target's mean.

    With `keep_background`, pixels with a density below `beta` in any channel are copied, byte for
    byte. With `brightness`, samples are first scaled so that the `brightness_percentile` of each
    image is 255. Concentration images are 16-bit PNG: amount · 4096, negative ones 0.

    # Determinism
    Tables are computed in double precision by a portable mathematical library and multiplied in
    single precision in a fixed order: the same bytes on every machine.

    # Cost
    One pass over the pixels; with `source: image` the fit before it. Each image at work (one a
    thread) takes 6 bytes per pixel, 6 more for concentrations, and up to 40 where it is fitted by
    another method than Macenko, whose colours are counted: large images want fewer threads.

    # Examples
    ```sh
    microtome stain-normalize fitted -o normalized
    microtome stain-normalize patches/ -o normalized --source image --target reference.png
    microtome stain-normalize patches/ -o normalized --source image --on-degenerate pass --keep-background
    ```
    """

    def __call__(
        self,
        *,
        dataset: t.Optional[Channel] = None,
        alpha: t.Union[float, Channel] = 1.0,
        beta: t.Union[float, Channel] = 0.15,
        brightness: t.Union[bool, Channel] = False,
        brightness_percentile: t.Union[float, Channel] = 90.0,
        cast: t.Union[t.Literal["truncate", "round"], Channel] = "truncate",
        clip_negative: t.Union[bool, Channel] = False,
        concentration_lambda: t.Union[float, Channel] = 0.01,
        concentrations: t.Union[t.Literal["none", "two", "three"], Channel] = "none",
        format: t.Union[t.Literal["png", "jpeg"], Channel] = "png",
        io: t.Union[float, Channel] = 240.0,
        keep_background: t.Union[bool, Channel] = False,
        lambda_: t.Union[float, Channel] = 0.1,
        max_angle_deg: t.Union[float, Channel] = 80.0,
        max_condition: t.Union[float, Channel] = 15.0,
        max_over: t.Union[t.Literal["all", "tissue"], Channel] = "all",
        max_percentile: t.Union[float, Channel] = 99.0,
        max_reference_angle_deg: t.Union[float, Channel] = 45.0,
        method: t.Union[t.Literal["macenko", "vahadane", "reinhard", "reinhard-modified", "ruifrok"], Channel] = "macenko",
        min_angle_deg: t.Union[float, Channel] = 5.0,
        min_tissue_fraction: t.Union[float, Channel] = 0.05,
        min_tissue_px: t.Union[int, Channel] = 500,
        on_degenerate: t.Union[t.Literal["slide", "cohort", "reference", "pass", "fail"], Channel] = "slide",
        quality: t.Union[int, Channel] = 90,
        several: t.Union[t.Literal["avg-post", "concat", "avg-pre"], Channel] = "avg-post",
        source: t.Union[t.Literal["slide", "image", "fixed"], Channel] = "slide",
        source_profile: t.Union[str, Channel, None] = None,
        subsampling: t.Union[t.Literal["420", "422", "444"], Channel] = "420",
        target: t.Union[str, Channel, None] = None,
        white_point: t.Union[t.Literal["fixed", "estimated"], Channel] = "fixed",
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
        """Makes a task of `stain-normalize` 1.0.0. Brings images to the stains of a target: same
        tissue, same colours, whatever laboratory stained it.

        Args:
            dataset: The dataset that an earlier step gave. In place of `input_uri`.
            alpha: Percentile of the extreme angles, and 100 less it. (0 to 49)
            beta: Least density of tissue, in every channel. (0 to 2)
            brightness: Whether brightness is standardised before anything else.
            brightness_percentile: Percentile of an image's samples that becomes 255, with
                `brightness`. (50 to 100)
            cast: How a value becomes a byte.
            clip_negative: Whether negative amounts of a stain count as none. Vahadane's never are
                negative.
            concentration_lambda: Weight of sparsity in the lasso that gives Vahadane's
                concentrations. (0 to 1)
            concentrations: Which concentration images are written besides, as items of their own.
            format: File format of the normalized images.
            io: White point: the light that passes where there is nothing, with `white_point:
                fixed`. (100 to 512)
            keep_background: Whether pixels that are not tissue are kept, byte for byte (in PNG).
            lambda_: Weight of sparsity in Vahadane's factorisation. (0 to 1)
            max_angle_deg: Gate: largest angle between the stains, in degrees. (1 to 179)
            max_condition: Gate: largest condition number of the two unit stain vectors. (1 to 1000)
            max_over: Over which pixels maximum concentrations (and Reinhard's moments) are taken.
            max_percentile: Percentile of the maximum concentrations. (50 to 100)
            max_reference_angle_deg: Gate: largest angle of each stain to the reference, in degrees.
                (1 to 180)
            method: How stains are separated and brought to the target.
            min_angle_deg: Gate: least angle between the stains, in degrees. (1 to 90)
            min_tissue_fraction: Gate: least share of tissue in an image that is fitted, 0–1. (0 to
                1)
            min_tissue_px: Gate: least number of tissue pixels of an image that is fitted. (3 to
                1e9)
            on_degenerate: What stands in for a profile that could not be had.
            quality: Quality of JPEG on libjpeg's scale. (1 to 100)
            several: How several images make one profile (Ivanov 2024).
            source: Where the profile of an image comes from.
            source_profile: The profile of all images, with `source: fixed`: a profile, or one or
                more images to fit. (A path or URL that the step can read, or the content as JSON.)
            subsampling: How JPEG stores chroma: 420, 422 or 444.
            target: What to aim at: a profile, or one or more images that are fitted as the other
                params say. (A path or URL that the step can read, or the content as JSON.)
            white_point: Where the white point comes from when something is fitted (Macenko only).
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


stain_normalize = StainNormalize("stain-normalize", "1.0.0", "localhost/microtome-stain-normalize:1.0.0")
