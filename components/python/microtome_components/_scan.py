# Made from the declaration of the step: BLESS=1 cargo test --release --test generated
"""The component `scan`, version 1.1.0."""

from __future__ import annotations

import typing as t

from ._component import Channel, Component

if t.TYPE_CHECKING:
    from kfp.dsl import PipelineTask


class Scan(Component):
    """List files, hash them, read their headers; make the first manifest.

    # What it does
    Takes a folder (with all that is below it), a bucket prefix, a list (CSV or Parquet) or a single
    file, and gives one item for each file that can be read: what it is, how large, at which
    resolution, when and by which camera it was taken, of which class and group. What a file is, its
    content says; names and endings are not believed. Headers are read, pixels are not: a file with
    a sound header and damaged pixels is found out by the step that decodes it.

    # Which files
    Below a folder or prefix: every file but those of datasets in folders below it, hidden ones (a
    part of the path begins with a dot) and those whose ending says that they lie beside images
    (`csv`, `json`, `xml`, `txt`, `md`, `parquet`, `html`, `zip`, … ). There is no list of image
    endings: a file that nobody can read, a video for example, is a failure with its reason, not
    passed over in silence. `include` replaces the rule about endings, `exclude` takes files away.
    Files that are named in a list, or alone, are all taken; `include` and `exclude` hold for them
    too.

    # Labels and groups
    Each of the two comes from the first source that has one for the item:
    1. the file of `labels`, by id;
    2. the list's own columns `label` and `group`;
    3. `pattern`, by its named groups;
    4. the folder that `label_folder` or `group_folder` names.

    Where none has one the column is null. It is not filled with something unique: whoever reads the
    column says what it does with items of no group.

    # Resolution
    `slide.mpp_x` and `slide.mpp_y` are what the file says. A list may overrule it with its columns `mpp`, or `mpp_x` and `mpp_y`, or `slide.mpp_x` and `slide.mpp_y`, in µm per pixel of level 0; `slide.mpp_from` tells which it was.

    # Boxes, masks, times
    A list may have these columns, which go into the manifest as they are: `mask` (a file, beside
    the list or with its whole path) to `annotation.mask`, `boxes` to `annotation.boxes`,
    `keypoints` to `annotation.keypoints`, and `time` (`2016-05-04T03:02:01`, or as EXIF writes it)
    to `capture.time`. `augment` and `normalize` move them with the pixels; the forms are on their
    pages. `detections` is what MegaDetector or SpeciesNet found: boxes go to `detector.boxes`, and
    `filter-background` believes them before its own guess. A file is matched when its name there is
    the end of the id, or the id the end of its name; where that leaves a choice nothing is done.
    Files that were not scanned are passed over.

    # Edge cases
    - A photo is a slide of one level with the vendor `photo`.
    - A file that cannot be read is listed as a failure; the others go on.
    - The same bytes twice are two items; the later ids name the first in `scan.duplicate_of`.
    - Two files of the same id (a list can do that) end the run before any work.
    - An id in the file of `labels` that no file has is listed as a failure of that id, unless
    `include` and `exclude` leave it out. When not one of them fits, nothing is done: then the ids
    are made in another way than those of the files (with folder, with ending).
    - `exif.time` is what the camera's clock said, of no time zone; a damaged EXIF block is as none.
    EXIF is read from JPEG, PNG, WebP and TIFF.

    # Determinism
    Items come in the order of their ids (by bytes). The same files under the same ids give the same
    manifest, whatever the order of the listing and the number of threads.

    # Cost
    Hashing reads each file once from end to end: that is the time it takes. Headers are some
    kilobytes a file, read on all threads.
    """

    def __call__(
        self,
        *,
        dataset: t.Optional[Channel] = None,
        detections: t.Union[str, Channel, None] = None,
        exclude: t.Union[t.Sequence[str], Channel] = (),
        group_folder: t.Union[int, Channel, None] = None,
        include: t.Union[t.Sequence[str], Channel] = (),
        label_folder: t.Union[int, Channel, None] = None,
        labels: t.Union[str, Channel, None] = None,
        pattern: t.Union[str, Channel, None] = None,
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
        """Makes a task of `scan` 1.1.0. List files, hash them, read their headers; make the first
        manifest.

        Args:
            dataset: The dataset that an earlier step gave. In place of `input_uri`.
            detections: JSON files of a detector in MegaDetector's format. Images that it failed on,
                or does not know, have no boxes, which is not the same as none found. (A path or URL
                that the step can read, or the content as JSON.)
            exclude: Globs of files to leave out, as `include`; they win: `thumbs/**`, `*_macro.*`.
            group_folder: Which folder gives the group, counted as `label_folder`: with 2,
                `StationA/cat/001.jpg` has the group `StationA`. (1 to 64)
            include: Globs of the files to take, over the id: `*.svs`, `StationA/**/*.jpg`. `*`
                stays within a folder, `**` does not; a glob without `/` is meant at any depth; case
                does not matter. None: all files that are not hidden and do not lie beside images.
            label_folder: Which folder gives the label, counted from the file upward: 1 is the
                folder that holds it (`cat/001.jpg` → `cat`), 2 the one above. (1 to 64)
            labels: CSV file with a column `id` and `label`, `group` or both; other columns are not
                looked at. Ids are those of the manifest: paths below the scanned folder
                (`StationA/cat/001.jpg`). (A path or URL that the step can read, or the content as
                JSON.)
            pattern: Regular expression over the id, with the named groups `label`, `group` or both:
                `(?<group>TCGA-\\w\\w-\\w{4})-.*-(?<label>tumor|normal)`. It may match anywhere in the
                id; `^` and `$` tie it to the ends. An id that does not match has no label or group from
                here.
            input_uri: What is listed: a mounted folder, a CSV or Parquet list, or an az://,
                abfss://, s3:// or gs:// prefix. The bulk stays where it is.
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


scan = Scan("scan", "1.1.0", "localhost/microtome-scan:1.1.0")
