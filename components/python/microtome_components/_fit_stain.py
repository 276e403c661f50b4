# Made from the declaration of the step: BLESS=1 cargo test --release --test generated
"""The component `fit-stain`, version 1.0.0."""

from __future__ import annotations

import typing as t

from ._component import Channel, Component

if t.TYPE_CHECKING:
    from kfp.dsl import PipelineTask


class FitStain(Component):
    """Estimates stain profiles: per image, per slide or for a whole cohort.

    # What it does
    Looks at the patches of each slide (items with one `tile.source_id`, else one `group`, else each
    image is a slide of its own), counts the colours of tissue pixels spread evenly over all of
    them, and fits the stains of the slide. Items stay as they are; each gets the profile of its
    slide as facts, and as JSON in `fit-stain.profile`, where `stain-normalize` reads it. For
    people, each slide comes with `profile.json` and `od-plane.svg`, on which the stain vectors are
    drawn among the slide's pixels. A `profile.json` is accepted wherever a profile or target is a
    param.

    A slide whose fit does not pass the gates has no profile, and `fit-stain.status` says why:
    nothing is normalised with vectors that are not hematoxylin and eosin. With `cohort_fallback`,
    its items get the profile of the cohort in `fit-stain.cohort`.

    # Formula
    *Pixels.* Density is `od = −ln((sample + 1) / io)` (torchstain; Vahadane and Ruifrok:
    `max(−ln(sample / 255), 1e-6)`, StainTools). Tissue has `od ≥ beta` in every channel. Of a
    slide, every tissue pixel is sampled with the same chance, one in 2^k, where k is the largest
    with which at least `sample_px` pixels remain (all, where there are fewer): a pixel's rank among
    those of its patch and the patch's digest say for which k it is kept. Patches with little tissue
    do not speak louder than others.

    *Macenko* (2009, doi:10.1109/ISBI.2009.5193250): the plane of the two largest components of the
    densities' covariance; stains at the `alpha` and `100 − alpha` percentiles of the angle in it;
    hematoxylin is the one with more red density. *Vahadane* (2016, doi:10.1109/TMI.2016.2529665):
    minimises `mean(½‖od − c·S‖² + lambda·Σc)` with `c, S ≥ 0`, rows of S in the unit ball, from a
    fixed start until it has converged. *Ruifrok* (2001): fixed vectors. *Reinhard* (2001,
    doi:10.1109/38.946629) and *Roy*'s modification (2021): means and deviations in CIELAB (D65).
    Maximum concentrations are the `max_percentile`th percentile of each stain, over tissue.

    # Determinism
    A fit is a function of the multiset of sampled colours, which are counted in integers: the same
    bits for any order of patches, threads and shards. A cohort is the sum of its slides' samples,
    so that large slides do not speak louder than small ones.

    # Cost
    Every patch is decoded once. Memory is that of the patches at work, and 16 bytes for each colour
    of the sample: some tens of megabytes for each slide at work.

    # Examples
    ```sh
    microtome fit-stain tiled -o fitted
    microtome fit-stain tiled -o fitted --method vahadane --target reference.png
    microtome fit-stain tiled -o cohort --per cohort
    ```
    """

    def __call__(
        self,
        *,
        dataset: t.Optional[Channel] = None,
        alpha: t.Union[float, Channel] = 1.0,
        beta: t.Union[float, Channel] = 0.15,
        cohort_fallback: t.Union[bool, Channel] = False,
        concentration_lambda: t.Union[float, Channel] = 0.01,
        io: t.Union[float, Channel] = 240.0,
        lambda_: t.Union[float, Channel] = 0.1,
        max_angle_deg: t.Union[float, Channel] = 80.0,
        max_condition: t.Union[float, Channel] = 15.0,
        max_over: t.Union[t.Literal["all", "tissue"], Channel] = "tissue",
        max_percentile: t.Union[float, Channel] = 99.0,
        max_reference_angle_deg: t.Union[float, Channel] = 45.0,
        method: t.Union[t.Literal["macenko", "vahadane", "reinhard", "reinhard-modified", "ruifrok"], Channel] = "macenko",
        min_angle_deg: t.Union[float, Channel] = 5.0,
        min_tissue_px: t.Union[int, Channel] = 500,
        per: t.Union[t.Literal["image", "slide", "cohort"], Channel] = "slide",
        sample_px: t.Union[int, Channel] = 1000000,
        several: t.Union[t.Literal["avg-post", "concat", "avg-pre"], Channel] = "avg-post",
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
        """Makes a task of `fit-stain` 1.0.0. Estimates stain profiles: per image, per slide or for a
        whole cohort.

        Args:
            dataset: The dataset that an earlier step gave. In place of `input_uri`.
            alpha: Percentile of the extreme angles, and 100 less it. (0 to 49)
            beta: Least density of tissue, in every channel. (0 to 2)
            cohort_fallback: Whether items whose own fit failed a gate get the profile of the
                cohort. Not with `--shard`.
            concentration_lambda: Weight of sparsity in the lasso that gives Vahadane's
                concentrations. (0 to 1)
            io: White point: the light that passes where there is nothing, with `white_point:
                fixed`. (100 to 512)
            lambda_: Weight of sparsity in Vahadane's factorisation. (0 to 1)
            max_angle_deg: Gate: largest angle between the stains, in degrees. (1 to 179)
            max_condition: Gate: largest condition number of the two unit stain vectors. (1 to 1000)
            max_over: Over which pixels they are taken; all of them only with `per: image`.
            max_percentile: Percentile of the maximum concentrations. (50 to 100)
            max_reference_angle_deg: Gate: largest angle of each stain to the reference, in degrees.
                (1 to 180)
            method: How stains are estimated.
            min_angle_deg: Gate: least angle between the stains, in degrees. (1 to 90)
            min_tissue_px: Gate: least number of tissue pixels. (3 to 1e9)
            per: For what a profile is estimated.
            sample_px: Tissue pixels to be sampled of a slide, at least; at most about twice as
                many. (100000 to 1e9)
            several: How several target images make one profile (Ivanov 2024).
            target: What `stain-normalize` is to aim at: a profile, or one or more images that are
                fitted as the other params say; the method's own reference if not given. (A path or URL
                that the step can read, or the content as JSON.)
            white_point: Where the white point comes from (Macenko only: the others have 255).
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


fit_stain = FitStain("fit-stain", "1.0.0", "localhost/microtome-fit-stain:1.0.0")
