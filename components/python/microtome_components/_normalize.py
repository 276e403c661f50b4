# Made from the declaration of the step: BLESS=1 cargo test --release --test generated
"""The component `normalize`, version 1.0.0."""

from __future__ import annotations

import typing as t

from ._component import Channel, Component

if t.TYPE_CHECKING:
    from kfp.dsl import PipelineTask


class Normalize(Component):
    """Brings photos to one form: upright, one colour space, one brightness, one size, numbers if
    wanted.

    # What it does
    Decodes a photo (or level 0 of a TIFF) and does what is asked for, always in this order, which
    is part of the step's version:

    1. **Decode.** Inks and palettes become RGB, a colour profile is applied (`icc`), alpha is laid
    over `background`, 16 bits become 8 (`depth`). Of an animated GIF or PNG, the first frame (an
    animated WebP is refused).
    2. **Orientation.** The picture is turned as EXIF says (1–8); the fact `orientation` says how.
    Then channels are brought to `mode`.
    3. **White balance** (`white_balance`): one gain per channel.
    4. **Contrast** (`contrast`).
    5. **Gamma** (`gamma`).
    6. **Geometry**: resize (`resize`), then crop about the centre (`crop_width_px`,
    `crop_height_px`), then pad to a multiple (`pad_multiple`).
    7. **Numbers** (`numbers`): scaled, less a mean, over a standard deviation.
    8. **File** (`format`).

    With the defaults, only 1, 2 and 8 change anything: an upright RGB PNG.

    # Formula
    *Colours.* 8-bit sRGB. CMYK without a profile: `R = C·K / 255` on Adobe's inverted inks. 16 to 8
    bits: `round(x / 257)`. Alpha: `a·x + (1 − a)·background`, rounded, on the samples as they are
    coded. `grey`: `(9798 R + 19235 G + 3735 B + 2¹⁴) >> 15` (BT.601, as OpenCV).

    *White balance.* Gains g are applied as `clip(round(g·x))`. `grey-world` (Buchsbaum 1980): means
    become equal. `max-rgb` (Land 1977): the `max_rgb_percentile` of each channel becomes 255.
    `shades-of-grey` (Finlayson and Trezzi 2004): Minkowski means of order `minkowski_p` become
    equal;
    1 is grey world, large p comes near max-RGB. Gains are computed on all pixels, and are facts.

    *Contrast.* `clahe` (Zuiderveld 1994): OpenCV's `createCLAHE(clip_limit, (tiles_x, tiles_y))`,
    equal to the bit on grey. `equalize`: OpenCV's `equalizeHist`. `stretch`: what lies between the
    percentiles `low_percentile` and `high_percentile` is spread over 0–255, `clip(round((x −
    low)·255 / (high − low)))`, percentiles as numpy's. `match`: each level goes to the level at the
    same quantile of the reference `match_to`, channel by channel, as scikit-image's
    `match_histograms`. Of colours, `contrast_over` says what is changed: the lightness of CIELAB,
    the luma, or each channel by itself; `match` always works on each channel.

    *Gamma.* `round(255·(x / 255)^gamma)`: below 1 lightens, above 1 darkens.

    *Numbers.* `(x / 255 − mean) / std` per channel (16 bits: `x / 65535`), in single precision.

    # Resizing, which means another thing in every library
    The centre of output pixel i lies at `(i + ½)·W/w − ½` of the source (no `align_corners`).
    Filters grow with the scale when an image shrinks (antialiasing); `filter` names them as
    fast_image_resize does. This is what Pillow does always, and torchvision with `antialias=True`
    (its default for images since
    0.17). OpenCV's `INTER_LINEAR`, `INTER_CUBIC` and `INTER_LANCZOS4` do *not* antialias, and
    differ by 13 levels on average when a photo is made 4 times smaller: a model that was trained on
    those has seen other pixels. OpenCV's `INTER_AREA` is `filter: box` for whole scales. `bicubic`
    is Catmull–Rom (a = −0.5) in Pillow and here, and a = −0.75 in OpenCV and in torch without
    antialiasing.

    `convention: antialias` computes in fixed point and is within one level of Pillow's bilinear; `convention: pillow` gives the bits of Pillow up to 12, for 8 bits and the filters that Pillow has. (Pillow 13 resizes rows before columns where these shrink more, and there gives other bits.) `light: linear` undoes sRGB's curve before averaging: fine bright detail keeps its brightness; hardly any library does so.

    Sizes: `shortest` and `longest` set that side to `side_px` and give the other one
    `round(side·other / this)` (halves up; torchvision cuts off, and can be a pixel smaller), at
    least 1. `letterbox` fits the image into `width_px × height_px` and fills the rest with `fill`,
    half on each side (the odd pixel on the right and below; YOLO's usual fill is `#727272`).
    Without `enlarge`, an image is never made larger by resizing. A crop takes the middle (the odd
    pixel is left over on the right and below); where the image is smaller than the crop, it is
    filled with `fill`, the image in the middle. Padding to a multiple goes to the right and below,
    so that coordinates stay.

    A point (x, y) of the upright source, in pixels from its upper left *corner*, lies at
    `(x·scale_x + offset_x_px, y·scale_y + offset_y_px)` of the result; back by the inverse.

    # Masks, boxes, keypoints
    Those that the manifest has for a photo (`annotation.mask`, `annotation.boxes`,
    `annotation.keypoints`) go through the same resizing, cropping and padding. They are those of
    the *upright* image, as labelling tools show it: orientation moves none of them, and a mask of
    the stored, unturned picture is refused. A box is cut by the frame; it is dropped where less
    than `min_box_visibility` of its area is left, or a side is below `min_box_px`, and
    `boxes_dropped` counts it. A keypoint outside of the frame follows `outside_keypoints`. A mask
    is a PNG of one channel or with a palette: resized by the nearest pixel, so that its values are
    never mixed, and filled with `mask_fill`. It is written beside the image as a PNG, also where
    that is an array or a JPEG. Boxes of a detector (`detector.boxes`) are for `filter-background`,
    which comes before: they are null afterwards.

    # Shapes and units
    `png` and `jpeg`: 8 bits, or 16 (PNG with `depth`). `npy` and `safetensors`: one array, C order, little endian, `(channels, height, width)` with `layout: chw`; always three axes. `dtype` is `u8` with `numbers: none`, else `f32` or `f16`. `mean` and `std` are of samples scaled to 0–1 (ImageNet's 0.485 …, not 123.675 …).

    # Source
    G. Buchsbaum, J. Franklin Inst. 310 (1980), doi:10.1016/0016-0032(80)90058-7. E. H. Land,
    Scientific American 237 (1977). G. D. Finlayson, E. Trezzi, "Shades of gray and colour
    constancy", CIC 12 (2004). K. Zuiderveld, "Contrast limited adaptive histogram equalization",
    Graphics Gems IV (1994).

    # Edge cases
    A grey image has no white balance, and no channels to choose from in `contrast_over`. Infrared
    photos (red, green and blue equal in every pixel) stay so: white balance gives three equal
    gains, and contrast is changed on the one channel that they are, whatever `contrast_over` says
    (`match` apart, which takes colours from the reference). `looks_infrared` says that at least 99
    % of the pixels are within 8 levels of grey: such a photo may have a tint, and is treated as the
    colour photo that it is. A flat image stays as it is under `stretch` and `equalize`. Deep images
    (`depth: 16`, `keep`) have neither white balance, contrast nor gamma, nor Pillow's convention.
    `mode: auto` mixes images of one and of three channels, and takes no mean or reference. A
    damaged or truncated file is an error, never a half-grey picture. A result larger than
    `--max-decoded` is refused before memory is taken for it.

    # Determinism
    Integers, fixed point, and doubles in a fixed order: the same bytes on every machine and for any
    number of threads.

    # Cost
    One decode, about one pass over the pixels for each thing that is asked for, one encode: mostly
    the codecs. Memory is that of the image at work, up to four times while it is resized.

    # Examples
    ```sh
    microtome normalize photos -o upright
    microtome normalize photos -o small --resize letterbox --width-px 640 --height-px 640 --fill '#727272'
    microtome normalize photos -o arrays --resize shortest --side-px 256 --crop-width-px 224 --crop-height-px 224 --numbers imagenet --format npy
    microtome normalize photos -o nights --contrast clahe --clip-limit 2 --white-balance shades-of-grey
    microtome normalize fitted -o arrays --numbers profile --format safetensors
    ```
    """

    def __call__(
        self,
        *,
        dataset: t.Optional[Channel] = None,
        background: t.Union[str, Channel] = "#ffffff",
        box_format: t.Union[t.Literal["coco", "voc", "yolo", "albumentations"], Channel] = "coco",
        clip_limit: t.Union[float, Channel] = 2.0,
        contrast: t.Union[t.Literal["none", "clahe", "equalize", "stretch", "match"], Channel] = "none",
        contrast_over: t.Union[t.Literal["lab", "luma", "channels"], Channel] = "lab",
        convention: t.Union[t.Literal["antialias", "pillow"], Channel] = "antialias",
        crop_height_px: t.Union[int, Channel, None] = None,
        crop_width_px: t.Union[int, Channel, None] = None,
        depth: t.Union[t.Literal["8", "16", "keep"], Channel] = "8",
        dtype: t.Union[t.Literal["f32", "f16", "u8"], Channel, None] = None,
        enlarge: t.Union[bool, Channel] = True,
        fill: t.Union[str, Channel] = "#000000",
        filter: t.Union[t.Literal["nearest", "box", "bilinear", "hamming", "catmull-rom", "mitchell", "gaussian", "lanczos3"], Channel] = "bilinear",
        format: t.Union[t.Literal["png", "jpeg", "npy", "safetensors"], Channel] = "png",
        gamma: t.Union[float, Channel] = 1.0,
        height_px: t.Union[int, Channel, None] = None,
        high_percentile: t.Union[float, Channel] = 99.0,
        icc: t.Union[t.Literal["to-srgb", "ignore"], Channel] = "to-srgb",
        keypoint_origin: t.Union[t.Literal["centres", "edges"], Channel] = "centres",
        layout: t.Union[t.Literal["chw", "hwc"], Channel] = "chw",
        light: t.Union[t.Literal["gamma", "linear"], Channel] = "gamma",
        low_percentile: t.Union[float, Channel] = 1.0,
        mask_fill: t.Union[int, Channel] = 0,
        match_to: t.Union[str, Channel, None] = None,
        max_rgb_percentile: t.Union[float, Channel] = 100.0,
        mean: t.Union[t.Sequence[float], Channel] = (),
        min_box_px: t.Union[float, Channel] = 1.0,
        min_box_visibility: t.Union[float, Channel] = 0.1,
        minkowski_p: t.Union[float, Channel] = 6.0,
        mode: t.Union[t.Literal["rgb", "grey", "auto"], Channel] = "rgb",
        numbers: t.Union[t.Literal["none", "unit", "imagenet", "own", "profile"], Channel] = "none",
        outside_boxes: t.Union[t.Literal["refuse", "clip"], Channel] = "refuse",
        outside_keypoints: t.Union[t.Literal["drop", "flag"], Channel] = "drop",
        pad_multiple: t.Union[int, Channel] = 1,
        profile: t.Union[str, Channel, None] = None,
        quality: t.Union[int, Channel] = 90,
        resize: t.Union[t.Literal["none", "exact", "shortest", "longest", "letterbox"], Channel] = "none",
        side_px: t.Union[int, Channel, None] = None,
        std: t.Union[t.Sequence[float], Channel] = (),
        subsampling: t.Union[t.Literal["420", "422", "444"], Channel] = "420",
        tiles_x: t.Union[int, Channel] = 8,
        tiles_y: t.Union[int, Channel] = 8,
        white_balance: t.Union[t.Literal["none", "grey-world", "max-rgb", "shades-of-grey"], Channel] = "none",
        width_px: t.Union[int, Channel, None] = None,
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
        """Makes a task of `normalize` 1.0.0. Brings photos to one form: upright, one colour space, one
        brightness, one size, numbers if wanted.

        Args:
            dataset: The dataset that an earlier step gave. In place of `input_uri`.
            background: What lies behind half-transparent pixels, as `#rrggbb`.
            box_format: How the four numbers of a box in `annotation.boxes` are meant.
            clip_limit: Clip limit of `clahe`, in multiples of an even histogram; 0 does not clip.
                (0 to 256)
            contrast: How contrast is changed.
            contrast_over: What of a colour is changed by `clahe`, `equalize` and `stretch`.
            convention: Whose pixels resizing gives.
            crop_height_px: Height of the crop about the centre, in pixels; the image's own if not
                given. (1 to 65535)
            crop_width_px: Width of the crop about the centre, in pixels; the image's own if not
                given. (1 to 65535)
            depth: Bits per sample: 8, 16 or keep.
            dtype: What a number of an array is; `u8` with `numbers: none`, else `f32`, if not
                given.
            enlarge: Whether an image may be made larger by resizing.
            fill: What letterboxes, crops that are larger than the image, and padding are filled
                with, as `#rrggbb`.
            filter: How pixels of the source make one of the resized image.
            format: File format of what is written.
            gamma: Exponent on samples scaled to 0–1; 1 changes nothing. (0.1 to 10)
            height_px: Height that `exact` and `letterbox` give, in pixels. (1 to 65535)
            high_percentile: Percentile that `stretch` makes white. (0 to 100)
            icc: What is done with a colour profile that a file carries.
            keypoint_origin: From where the keypoints in `annotation.keypoints` are measured.
            layout: In which order the numbers of an array stand.
            light: In which numbers pixels are averaged.
            low_percentile: Percentile that `stretch` makes black. (0 to 100)
            mask_fill: What letterboxes, larger crops and padding of a mask are filled with. (0 to
                255)
            match_to: Reference of `match`: one or more images, or profiles (`profile.json`) of
                `fit-normalize`; their counts are added up. (A path or URL that the step can read, or
                the content as JSON.)
            max_rgb_percentile: Percentile of each channel that `max-rgb` makes white; 100 is the
                brightest pixel. (50 to 100)
            mean: Mean of each channel, with `numbers: own`, of samples scaled to 0–1: three
                numbers, or one for `mode: grey`. (-100 to 100)
            min_box_px: Least width and height of a box in the end, in pixels; smaller ones are
                dropped. (0 to 65535)
            min_box_visibility: Least share of a box's area that is left in the end, 0–1; boxes with
                less are dropped. (0 to 1)
            minkowski_p: Order of the Minkowski mean of `shades-of-grey`. (1 to 64)
            mode: Which channels images are brought to.
            numbers: How samples become numbers.
            outside_boxes: What happens to a given box that reaches beyond the image.
            outside_keypoints: What happens to a keypoint that leaves the frame.
            pad_multiple: Width and height are padded to a multiple of this many pixels; 1 pads
                nothing. (1 to 4096)
            profile: Statistics for `numbers: profile`: a `profile.json` of `fit-normalize`, or
                several, whose counts are added up; those in the manifest if not given. (A path or URL
                that the step can read, or the content as JSON.)
            quality: Quality of JPEG on libjpeg's scale. (1 to 100)
            resize: How images are resized.
            side_px: Side that `shortest` and `longest` give, in pixels. (1 to 65535)
            std: Standard deviation of each channel, with `numbers: own`, of samples scaled to 0–1.
                (0.000001 to 100)
            subsampling: How JPEG stores chroma: 420, 422 or 444.
            tiles_x: Tiles of `clahe` along a row. (1 to 256)
            tiles_y: Tiles of `clahe` along a column. (1 to 256)
            white_balance: How the colour of the light is taken out.
            width_px: Width that `exact` and `letterbox` give, in pixels. (1 to 65535)
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


normalize = Normalize("normalize", "1.0.0", "localhost/microtome-normalize:1.0.0")
