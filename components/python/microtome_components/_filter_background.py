# Made from the declaration of the step: BLESS=1 cargo test --release --test generated
"""The component `filter-background`, version 1.0.0."""

from __future__ import annotations

import typing as t

from ._component import Channel, Component

if t.TYPE_CHECKING:
    from kfp.dsl import PipelineTask


class FilterBackground(Component):
    """Tells empty photos of camera traps from those with animals, and blank patches from tissue.

    # What it does
    Photos of one camera with no long pause between them are a series; those by day and those by
    infrared light, and those of unlike sizes, apart. What stands still in a series is its
    background; what a photo shows besides is its foreground. By the size of the foreground each
    photo is `empty`, `animal-likely` or `uncertain`, and damaged, blurred, badly exposed and
    doubled photos are marked. `mode` says what then becomes of them. Where the manifest has boxes
    of a detector (`scan --detections`), these decide and the step's own guess does not. No trained
    model is in here: a detector knows animals, this step knows motion.

    # Recall first
    A photo that is wrongly called empty is lost, one that is wrongly kept costs a look: what cannot
    be known is `uncertain`, and that is never dropped. `empty` needs a series of at least
    `min_frames` photos in at least `min_visits` visits (runs of photos at most `visit_s` apart): in
    a short burst, an animal that stays is in every photo, and so in the background itself. Photos
    without a known time are one visit, and so are never empty unless `visit_s` is 0.

    # Formula
    *Working copy.* Photos are decoded, turned upright, brought to sRGB and shrunk to `working_px`
    on the long side by means over blocks of whole pixels. A photo is infrared when at most
    `infrared_colour` of its pixels have channels more than 24 levels apart; infrared photos are
    compared in luminance, others in RGB. Banners (rows at the upper and lower edge of which half is
    a pure black or white that never changes, up to a tenth of the height) are left out.

    *Background.* `median`: the median over the visits of the median over each visit's photos, pixel
    by pixel, so that a long visit has one voice. It is taken twice: photos are brought to the light
    of the first, and the second is used. `mixture`: the heaviest of up to three modes of each
    pixel, visits having one voice likewise, after the photos were brought to the light of the
    median of up to 15 of them. Exact doubles have no voice.

    *Light.* `photo ≈ gain · background + offset` for each channel: the median slope over all pairs
    of 108 cells of the picture (Theil–Sen), and the median of what is left.

    *Foreground.* A pixel stands out when it differs in some channel by more than
    `max(min_difference, noise_k · 1.4826 · max(noise, spread))`, `noise` being the photo's median
    difference and `spread` the median difference of the series around the pixel (leaves, water). A
    pixel then stays what at least five of nine around it are, and gaps of up to two pixels are
    closed. By day, what is darker than the background (0.35 to 0.94 of it) and of the same colour
    (shares of red and green within 0.02 and four levels) may be shadow: it does not make an animal,
    but it keeps a photo from being empty.

    *Verdict.* `uncertain` when more than `max_foreground` stands out (the camera moved, the light
    was switched, a nose covers the lens). Else `animal-likely` when the largest piece without
    shadow has at least `animal_blob` of the picture. Else `empty` when the largest piece, shadow
    included, has less than `empty_blob`, and less than `empty_blob` of the picture moved, and the
    series suffices, and at most `max_blind` of the picture is so restless that a pixel would have
    to differ by more than 40 levels; else `uncertain`. `motion_score` is the share of the picture
    that differs both from the photo before and from that after it (three-frame difference).

    *Detector.* `animal-likely` when an animal was found with a confidence of `detector_animal` or
    more; else `uncertain` when a person or vehicle was, or anything with `detector_empty` or more;
    else `empty`. Categories other than person, human and vehicle count as animals.

    *Marks.* `corrupt`; `blank` (levels from the 0.5th to the 99.5th percentile span at most 8);
    `blurred` (sharpness, the variance of the Laplacian of the working copy, below `blurred_below`);
    `under-exposed` and `over-exposed` (more than the given share of levels up to 12, from 245);
    `duplicate` (the same bytes, in the same series); `near-duplicate` (perceptual hashes at most
    `near_duplicate_bits` apart, of the same series); `changed` (more than `max_foreground`);
    `person`, `vehicle`; `pen`, `glass`. Of doubles the first in time stays unmarked, then that of
    the lowest digest.

    *`background: none`.* Each image alone: marks only. A blank image is `empty`, all else is
    `uncertain`. With `scene: slide`, a patch is `empty` when less than `min_tissue` of it is
    tissue, or more than `max_pen` of it is ink, and `tissue-likely` otherwise.

    # Shapes and units
    Boxes are in pixels of the upright image, its own size. Crops have its channels, masks have its
    size, one channel, and are made from the working copy by repeating pixels. In `mode: mask`, a
    photo that cannot be compared has a mask of 255 everywhere: nothing can be ruled out.

    # What it misses
    Animals that sit in the same place in half of the visits (they are background; a nest, a resting
    place): watch for series where all is empty. Animals smaller than `empty_blob` of the picture
    (at the default,
    9 × 9 pixels of 512 × 384), far off or in fog. Animals that differ from what is behind them by
    less than `min_difference` levels: a black bear at night. Whatever moves where leaves and water
    always move. Animals in banners. Where the camera sways or the light is another in each visit,
    most of a detailed scene is too restless to be compared and nothing is `empty`. It alarms for
    nothing when vegetation moves, the sun comes out between clouds, snow falls, insects and rain
    pass the flash, or the camera was moved: then raise `min_visits`, shorten `gap_s`, or use a
    detector. Dropping near-duplicates drops small animals: hashes look at 32 × 32 pixels.

    # Source
    Medians and their limits: M. Piccardi, "Background subtraction techniques: a review", IEEE SMC
    2004, doi:10.1109/ICSMC.2004.1400815. Mixture: C. Stauffer, W. Grimson, CVPR 1999,
    doi:10.1109/CVPR.1999.784637. Shadows: A. Prati et al., IEEE PAMI 25 (2003),
    doi:10.1109/TPAMI.2003.1206520. Light: P. K. Sen, JASA 63 (1968),
    doi:10.1080/01621459.1968.10480934. Three-frame difference: R. Collins et al., CMU-RI-TR-00-12,
    2000. Sharpness: J. L. Pech-Pacheco et al., ICPR 2000, doi:10.1109/ICPR.2000.903548. Hashes: C.
    Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010. Boxes:
    MegaDetector's batch format.

    # Edge cases
    A photo that cannot be decoded is `corrupt` with the reason, `uncertain`, and takes no part in
    the background; in `mode: crop` and `mask`, where nothing can be made of it, it is a failure
    unless `drop_corrupt` lets it go. One that is larger than the limit of decoded bytes is a
    failure, too, and the others go on. A series of one photo is `uncertain`. What lies in the
    pixels of a photo (`annotation.boxes`, `annotation.keypoints`, `annotation.mask`,
    `detector.boxes`) stays with it where it is kept, and is null for a crop and for a mask, whose
    pixels lie elsewhere: a crop is named after its upper left corner in the photo
    (`x00120_y00044`), and `box_x_px` and its kin say where the box was, without the margin.

    # Determinism
    The same on every machine and for any number of threads. A photo's facts depend on the other
    photos of its series (they are in the key), not on names or the order of rows.

    # Cost
    Decoding is most of it: once each, once more for crops, three times with `mixture`. Memory for a
    series with `median` is two to three working copies for each photo (0.6 MB each by day at 512 ×
    384), so `max_frames` bounds it; with `mixture` about 64 bytes for each pixel of a working copy
    and 15 copies.
    """

    def __call__(
        self,
        *,
        dataset: t.Optional[Channel] = None,
        animal_blob: t.Union[float, Channel] = 0.002,
        background: t.Union[t.Literal["median", "mixture", "none"], Channel] = "median",
        banners: t.Union[bool, Channel] = True,
        blurred_below: t.Union[float, Channel] = 20.0,
        camera: t.Union[t.Literal["auto", "group", "folder", "exif"], Channel] = "auto",
        detector_animal: t.Union[float, Channel] = 0.2,
        detector_empty: t.Union[float, Channel] = 0.05,
        drop_blurred: t.Union[bool, Channel] = False,
        drop_corrupt: t.Union[bool, Channel] = False,
        drop_duplicates: t.Union[bool, Channel] = False,
        drop_exposure: t.Union[bool, Channel] = False,
        drop_near_duplicates: t.Union[bool, Channel] = False,
        drop_people: t.Union[bool, Channel] = False,
        empty_blob: t.Union[float, Channel] = 0.0004,
        format: t.Union[t.Literal["png", "jpeg"], Channel] = "jpeg",
        gap_s: t.Union[int, Channel] = 86400,
        glass_level: t.Union[int, Channel] = 200,
        infrared_colour: t.Union[float, Channel] = 0.02,
        lighting: t.Union[bool, Channel] = True,
        margin: t.Union[float, Channel] = 0.1,
        max_blind: t.Union[float, Channel] = 0.2,
        max_foreground: t.Union[float, Channel] = 0.6,
        max_frames: t.Union[int, Channel] = 128,
        max_pen: t.Union[float, Channel] = 0.1,
        min_difference: t.Union[int, Channel] = 12,
        min_frames: t.Union[int, Channel] = 5,
        min_tissue: t.Union[float, Channel] = 0.02,
        min_visits: t.Union[int, Channel] = 4,
        mode: t.Union[t.Literal["flag", "drop", "crop", "mask"], Channel] = "flag",
        near_duplicate_bits: t.Union[int, Channel] = 2,
        noise_k: t.Union[float, Channel] = 4.0,
        over_exposed: t.Union[float, Channel] = 0.5,
        quality: t.Union[int, Channel] = 90,
        scene: t.Union[t.Literal["camera", "slide"], Channel] = "camera",
        shadows: t.Union[bool, Channel] = True,
        subsampling: t.Union[t.Literal["420", "422", "444"], Channel] = "420",
        under_exposed: t.Union[float, Channel] = 0.9,
        use_detections: t.Union[bool, Channel] = True,
        visit_s: t.Union[int, Channel] = 60,
        working_px: t.Union[int, Channel] = 512,
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
        """Makes a task of `filter-background` 1.0.0. Tells empty photos of camera traps from those
        with animals, and blank patches from tissue.

        Args:
            dataset: The dataset that an earlier step gave. In place of `input_uri`.
            animal_blob: Least piece that makes an animal likely, as a part of the picture. (0 to 1)
            background: Where the background comes from.
            banners: Whether banners are looked for and left out.
            blurred_below: Sharpness below which a photo is blurred. (0 to 65025)
            camera: What tells one camera from another.
            detector_animal: Confidence from which an animal is likely. (0 to 1)
            detector_empty: Confidence below which nothing was found. (0 to 1)
            drop_blurred: Whether blurred photos are dropped, too, unless an animal is likely.
            drop_corrupt: Whether damaged photos are dropped, too.
            drop_duplicates: Whether all but the first of photos of a series with the same bytes are
                dropped, too.
            drop_exposure: Whether under- and over-exposed photos are dropped, too, unless an animal
                is likely.
            drop_near_duplicates: Whether near-duplicates are dropped, too, animals or not.
            drop_people: Whether photos in which a detector found a person or a vehicle are dropped,
                too.
            empty_blob: Largest piece of an empty photo, as a part of the picture. (0 to 1)
            format: File format of crops.
            gap_s: Longest pause within a series, in seconds. (1 to 31622400)
            glass_level: Least level of the darkest channel of glass, with `scene: slide`. (1 to
                255)
            infrared_colour: Most coloured pixels of an infrared photo, as a part of the picture. (0
                to 1)
            lighting: Whether photos are brought to the light of the background.
            margin: Margin around the box of a crop, on each side, as a part of the box's longer
                side. (0 to 4)
            max_blind: Most of a picture that may be too restless to be compared, for a photo to be
                empty, as a part of it. (0 to 1)
            max_foreground: Most foreground that is compared at all, as a part of the picture. (0.01
                to 1)
            max_frames: Most photos of a series; a longer one is cut. (1 to 4096)
            max_pen: Most ink of a patch that is not empty, as a part of it, with `scene: slide`. (0
                to 1)
            min_difference: Least difference from the background, in levels. (1 to 128)
            min_frames: Photos that a series needs before one of them may be empty. (3 to 4096)
            min_tissue: Least tissue of a patch that is not empty, as a part of it, with `scene:
                slide`. (0 to 1)
            min_visits: Visits that a series needs before one of its photos may be empty. (2 to
                4096)
            mode: What becomes of the images.
            near_duplicate_bits: Most bits in which hashes of near-duplicates differ. (0 to 32)
            noise_k: Least difference from the background, in standard deviations of noise. (1 to
                50)
            over_exposed: Share of bright pixels above which a photo is over-exposed. (0 to 1)
            quality: Quality of JPEG on libjpeg's scale. (1 to 100)
            scene: What the images show.
            shadows: Whether shadows are told from animals, by day.
            subsampling: How JPEG stores chroma: 420, 422 or 444.
            under_exposed: Share of dark pixels above which a photo is under-exposed. (0 to 1)
            use_detections: Whether boxes of a detector decide, where the manifest has them.
            visit_s: Longest pause within a visit, in seconds; 0 makes each photo a visit of its
                own. (0 to 86400)
            working_px: Long side of the copies on which photos are compared. (64 to 2048)
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


filter_background = FilterBackground("filter-background", "1.0.0", "localhost/microtome-filter-background:1.0.0")
