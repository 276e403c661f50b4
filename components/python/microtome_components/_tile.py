# Made from the declaration of the step: BLESS=1 cargo test --release --test generated
"""The component `tile`, version 1.0.0."""

from __future__ import annotations

import typing as t

from ._component import Channel, Component

if t.TYPE_CHECKING:
    from kfp.dsl import PipelineTask


class Tile(Component):
    """Cuts slides and large images into patches at an exact resolution, on tissue.

    # What it does
    Lays a grid of square patches over a slide at the resolution asked for, finds tissue on a small
    copy of the slide, and writes each patch of which at least `min_tissue` is tissue, row by row
    from the top left. A slide without tissue gives no patch, which is no error. Two pictures for
    people come with each slide: `thumbnail.jpg`, and `overlay.png`, on which tissue is outlined and
    the patches are drawn.

    # Formula
    *Resolution.* `mpp` asks for micrometres per pixel, the same along x and y; `objective` for the
    header's nominal magnification divided down (40 → 10 is one pixel of four); `level` for a level
    as it is; none of them for level 0. Level 0's own resolution is the manifest's `slide.mpp_x` and
    `slide.mpp_y` where they differ from the header's, else the header's, else `assume_mpp`; the
    fact `mpp_source` says which. A level has `mpp0 · W0 / Wl` per axis. Patches are read from the
    coarsest level that is not coarser than asked for (by more than 1e-3) on either axis, and
    resampled by `asked / level's` per axis; within 1e-6 of 1 on both axes, pixels are copied and
    the facts carry the level's own resolution. Nothing is ever rounded to "20x". Resampling is a
    convolution with the Catmull–Rom cubic, widened by the scale (antialiased), in fixed point; it
    reads the pixels around the patch, so that neighbours continue each other. The cubic was taken
    rather than Lanczos because it needs no sine, which differs between platforms in its last bit.

    *Grid.* The slide has `W0 · mpp0 / asked` output pixels per row; only whole ones count (a
    shortage of up to 1e-6 of a pixel is forgiven). Patch (col, row) begins at output pixel `(col,
    row) · stride_px`.

    *Mask.* From the coarsest level that is not coarser than `mask_mpp`, blocks of `floor(mask_mpp /
    level's mpp)` pixels per axis are averaged in exact integers, rounded half up: a mask pixel is
    at most `mask_mpp` wide. Saturation is `(max − min) · 255 / max`, luminance `(299 R + 587 G +
    114 B) / 1000`, both rounded half up. Otsu's threshold `t` maximizes `(N·S0 − N0·S)² / (N0·N1)`
    over the histogram of 256 values, the class of values up to `t` against the rest; of equal
    maxima the lowest `t` wins. Tissue is more saturated than `max(t, mean of the lower class +
    min_contrast)`, or not brighter than `min(t, mean of the upper class − min_contrast)`, means
    rounded down: noise on blank glass is not tissue. Then gaps are closed and specks opened with
    discs of radius `close_um` and `open_um` (pixels whose centres lie within the radius), holes up
    to `fill_holes_um2` are filled (holes are joined along sides, and do not touch the border), and
    pieces below `min_area_um2` are removed (pieces are joined along sides and corners).

    *Coverage.* `tissue_fraction` is the area of the patch under the mask, each mask pixel counting
    with the part of it that lies in the patch, divided by the area of the patch. What lies outside
    the slide is no tissue.

    # Shapes and units
    Patches are `tile_px × tile_px`, RGB or grey as the slide is, 8 bits. Alpha is composited over
    white. `x_px, y_px, w_px, h_px` are in level-0 pixels and have fractions where the resolution
    asks for them. Patches are named `y<Y>_x<X>` by the whole level-0 pixels of their corner, padded
    with zeros, so that names sort as patches come; patches finer than level 0 would share such
    names and are called `r<row>_c<col>`.

    # Source
    N. Otsu, "A threshold selection method from gray-level histograms", IEEE Trans. SMC 9 (1979),
    doi:10.1109/TSMC.1979.4310076 (as scikit-image's `threshold_otsu`). R. Keys, "Cubic convolution
    interpolation for digital image processing", IEEE Trans. ASSP 29 (1981),
    doi:10.1109/TASSP.1981.1163711 (as Pillow's `BICUBIC`). Luminance: ITU-R BT.601.

    # Edge cases
    A slide smaller than a patch gives nothing with `skip`, one filled patch with `pad` and with
    `shift` (there is nowhere to move to). Near-black pixels have noisy saturation: black pen and
    dark borders can count as tissue. A grey slide has no saturation and needs `otsu-luminance` or
    `fixed`. 16-bit and float slides are refused. With `mask: none` there are pictures only if some
    level has at most 16,777,216 pixels. Several µm/px per slide (`mpp_x ≠ mpp_y`) give square
    patches of square pixels under `mpp`.

    # Determinism
    The same bytes on every machine and for any number of threads: integers, and floats in a fixed
    order without fused operations; vector and scalar paths of the resampling agree bit for bit.

    # Cost
    Each source tile that an accepted patch touches is decoded once, others never; the mask decodes
    its level once. Memory is that of the patches at work, of one row of source tiles where patches
    overlap or straddle tiles, 10 to 20 bytes per mask pixel, and about 3 kB for each patch that its
    slide has given so far, whose facts go into one record at the end.
    """

    def __call__(
        self,
        *,
        dataset: t.Optional[Channel] = None,
        assume_mpp: t.Union[float, Channel, None] = None,
        close_um: t.Union[float, Channel] = 32.0,
        edges: t.Union[t.Literal["skip", "shift", "pad"], Channel] = "skip",
        fill_holes_um2: t.Union[float, Channel] = 40000.0,
        format: t.Union[t.Literal["png", "jpeg"], Channel] = "png",
        level: t.Union[int, Channel, None] = None,
        mask: t.Union[t.Literal["otsu-saturation", "otsu-luminance", "fixed", "none"], Channel] = "otsu-saturation",
        mask_channel: t.Union[t.Literal["saturation", "luminance"], Channel] = "saturation",
        mask_mpp: t.Union[float, Channel] = 8.0,
        mask_threshold: t.Union[int, Channel, None] = None,
        max_patches: t.Union[int, Channel] = 1000000,
        max_upsampling: t.Union[float, Channel] = 1.05,
        min_area_um2: t.Union[float, Channel] = 40000.0,
        min_contrast: t.Union[int, Channel] = 16,
        min_tissue: t.Union[float, Channel] = 0.5,
        mpp: t.Union[float, Channel, None] = None,
        objective: t.Union[float, Channel, None] = None,
        open_um: t.Union[float, Channel] = 16.0,
        pad_luminance: t.Union[int, Channel] = 255,
        quality: t.Union[int, Channel] = 90,
        stride_px: t.Union[int, Channel, None] = None,
        subsampling: t.Union[t.Literal["420", "422", "444"], Channel] = "420",
        tile_px: t.Union[int, Channel] = 256,
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
        """Makes a task of `tile` 1.0.0. Cuts slides and large images into patches at an exact
        resolution, on tissue.

        Args:
            dataset: The dataset that an earlier step gave. In place of `input_uri`.
            assume_mpp: Micrometres per level-0 pixel where neither manifest nor header knows.
                (0.001 to 10000)
            close_um: Gaps in tissue up to twice this many micrometres wide are closed. (0 to 1000)
            edges: What happens at the right and lower border.
            fill_holes_um2: Holes up to this many square micrometres are filled. (0 to 1e12)
            format: File format of the patches.
            level: Level of the pyramid to copy from, 0 the largest. (0 to 4095)
            mask: How tissue is told from glass.
            mask_channel: What `mask: fixed` looks at.
            mask_mpp: Largest width of a mask pixel, in micrometres. (0.1 to 10000)
            mask_threshold: With `mask: fixed`, and only there: tissue is more saturated than this,
                or not brighter. (0 to 255)
            max_patches: Most patches that the grid of one slide may have, with and without tissue.
                The facts of a slide's patches are held until it is done: about 3 kB each. (1 to 1e9)
            max_upsampling: How many times finer than level 0 the patches may be. (1 to 64)
            min_area_um2: Pieces of tissue smaller than this many square micrometres are removed. (0
                to 1e12)
            min_contrast: Grey levels by which tissue must differ from the mean of the glass, with
                Otsu's masks. (0 to 255)
            min_tissue: Smallest part of a patch that must be tissue, 0–1. (0 to 1)
            mpp: Micrometres per pixel of the patches. One of `mpp`, `objective`, `level`; none is
                level 0. (0.001 to 10000)
            objective: Nominal magnification of the patches, relative to that of the header (20 of a
                40x slide: every second pixel). (0.001 to 1000)
            open_um: Tissue less than twice this many micrometres wide is removed. (0 to 1000)
            pad_luminance: Grey level of what lies outside the slide, with `edges: pad`. (0 to 255)
            quality: Quality of JPEG on libjpeg's scale. (1 to 100)
            stride_px: From the corner of one patch to the next, in patch pixels; `tile_px` if not
                given. (1 to 1000000)
            subsampling: How JPEG stores chroma: 420, 422 or 444.
            tile_px: Side of a patch, in its own pixels. (16 to 8192)
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


tile = Tile("tile", "1.0.0", "localhost/microtome-tile:1.0.0")
