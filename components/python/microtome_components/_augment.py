# Made from the declaration of the step: BLESS=1 cargo test --release --test generated
"""The component `augment`, version 1.0.0."""

from __future__ import annotations

import typing as t

from ._component import Channel, Component

if t.TYPE_CHECKING:
    from kfp.dsl import PipelineTask


class Augment(Component):
    """Makes augmented copies of images: the same copies for the same seed, whatever the order, the
    threads or the rest of the data.

    # What it does
    Each image is decoded once, turned upright, and brought to 8-bit channels (`mode`). For each
    copy, ops are drawn from the policy and done in order; then the copy is encoded (`format`), as
    numbers if asked for (`numbers`). A mask, boxes and keypoints that the manifest has for it
    (`annotation.mask`, `annotation.boxes`, `annotation.keypoints`) go through the same motions.

    # The policy
    A list of nodes, each an object with one field, its name:
    ```yaml
    augment: "1.0"            # the version that it was written for; another MAJOR.MINOR is refused
    ops:
      - horizontal-flip: {p: 0.5}
      - one-of:
          p: 0.3
          ops:
            - gaussian-blur: {sigma_px: [0.5, 2.0]}
            - motion-blur: {length_px: [3, 9]}
      - random-resized-crop: {width_px: 224, height_px: 224, area: [0.5, 1.0]}
    ```
    `p` is the probability that a node is done, 1 if not given; among the nodes of `one-of` and `some-of` it is the weight, and a node that was taken is done. A range `[low, high]` is drawn from uniformly, ends included. Containers: `compose` and `sequential` (all, in order: the same), `one-of`, `some-of` (`n`, with `replace` the same one several times). At most 256 nodes, 8 containers within each other.

    Angles are in degrees, anticlockwise as one sees it; lengths in pixels (`_px`), or in shares of
    the image's sides. What an op makes of a sample is rounded and clipped to 0–255. Between pixels,
    values are bilinear in steps of 1/32 pixel (a mask's the nearest); `border` says what lies
    beyond the edges. All fields with their defaults and bounds stand in the schema of `policy`.

    | op | does | fields |
    |---|---|---|
    | `horizontal-flip` | Left and right change places | – |
    | `vertical-flip` | Top and bottom change places | – |
    | `transpose` | Columns become rows | – |
    | `rot90` | Quarter turns | `turns` |
    | `rotate` | Any angle about the centre | `angle_deg`, *border* |
    | `affine` | Scale, turn, shear, move | `scale`, `scale_y`, `angle_deg`, `shear_x_deg`, `shear_y_deg`, `translate_x`, `translate_y`, *border* |
    | `perspective` | Corners drawn in and out | `scale`, *border* |
    | `elastic` | A smooth random field bends | `alpha_px`, `sigma_px`, *border* |
    | `grid-distortion` | Columns and rows of a grid, wider and narrower | `cells`, `stretch`, *border* |
    | `random-resized-crop` | A random part, resized | `width_px`, `height_px`, `area`, `ratio`, `x`, `y`, `filter` |
    | `crop` | A part, random or the centre | `width_px`, `height_px`, `x`, `y`, *border* |
    | `pad` | Pixels at the edges | `left_px`, `top_px`, `right_px`, `bottom_px`, `min_width_px`, `min_height_px`, `multiple_px`, `x`, `y`, *border* |
    | `resize` | Another size | `width_px`, `height_px`, `filter` |
    | `brightness-contrast` | Brightness and contrast, one table | `brightness`, `contrast` |
    | `color-jitter` | Brightness, contrast, saturation, hue | `brightness`, `contrast`, `saturation`, `hue` |
    | `gamma` | A power of each sample | `gamma` |
    | `to-grey` | Grey in all channels | – |
    | `channel-shuffle` | Channels change places | `order` |
    | `clahe` | Contrast-limited adaptive histogram equalisation | `clip_limit`, `tiles_x`, `tiles_y` |
    | `posterize` | Fewer bits | `bits` |
    | `solarize` | Bright samples inverted | `threshold` |
    | `equalize` | Histogram equalised | – |
    | `invert` | A negative | – |
    | `sharpen` | Edges raised | `alpha`, `lightness` |
    | `gaussian-blur` | Gaussian blur | `sigma_px` |
    | `median-blur` | Median of a window | `size_px` |
    | `motion-blur` | Mean along a line | `length_px`, `angle_deg` |
    | `defocus` | Mean over a disc | `radius_px`, `alias_px` |
    | `gauss-noise` | Normal noise | `std`, `per_channel` |
    | `iso-noise` | Noise of a sensor | `color_shift`, `intensity` |
    | `shot-noise` | Noise of counted photons | `scale` |
    | `jpeg` | Encoded and decoded | `quality` |
    | `downscale` | Made small and large again | `scale` |
    | `coarse-dropout` | Rectangles covered | `holes`, `height`, `width` |
    | `fog` | Fog | `density` |
    | `rain` | Rain | `drops`, `length_px`, `slant_deg`, `darken` |
    | `shadow` | Shadows | `shadows`, `intensity` |
    | `sun-flare` | The sun in the lens | `x`, `y`, `radius`, `intensity` |
    | `hed-jitter` | Amounts of hematoxylin, eosin and DAB changed (Tellez 2018) | `h_scale`, `e_scale`, `d_scale`, `h_shift`, `e_shift`, `d_shift` |
    | `concentration-jitter` | Amounts of the image's own stains changed | `stains`, `h_scale`, `e_scale`, `h_shift`, `e_shift` |
    | `randstainna` | Reinhard towards a drawn target (Shen 2022) | `l_mean`, `a_mean`, `b_mean`, `l_std`, `a_std`, `b_std` |

    *border* stands for `border`, `fill`, `mask_fill` and, where values are found between pixels,
    `interpolation`.

    # From Albumentations
    A file that `A.save` or `A.to_dict` of Albumentations 2.0.x wrote (2.0.8 was tried) is taken as
    `policy` where all of its ops have an equal here. Others are refused, all by name in one
    message, as are a field that nobody knows, a `seed` (the param `seed` counts) and other
    releases. What differs:

    | there | here | what differs |
    |---|---|---|
    | `Compose`, `Sequential` | `compose`, `sequential` | |
    | `OneOf` | `one-of` | |
    | `SomeOf` (`RandomOrder` with n 1) | `some-of` | each op is wrapped, so that it keeps its `p`; `replace` only with p 1 |
    | `OneOrOther`, `NoOp` | `one-of`, an empty `sequential` | |
    | `HorizontalFlip`, `VerticalFlip`, `Transpose`, `RandomRotate90` | the same; `rot90` | |
    | `D4`, `SquareSymmetry` | `rot90`, then a flip of p 0.5 | |
    | `Rotate`, `Affine`, `ShiftScaleRotate` | `rotate`, `affine` | pixels are equal; moves are not cut to whole pixels; shear of x or of y, not of both; no `translate_px` |
    | `Perspective` | `perspective` | corners move evenly in and out, not normally and in |
    | `ElasticTransform` | `elastic` | `gaussian` noise becomes even noise of the same deviation (on 512 × 512) |
    | `GridDistortion` | `grid-distortion` | limits −a to a, `normalized` |
    | `RandomResizedCrop`, `Resize` | `random-resized-crop`, `resize` | antialiased where it makes smaller; cubic has a = −0.5, not −0.75; nearest is that of the pixel's centre, not of its corner |
    | `RandomCrop`, `CenterCrop`, `Crop` from (0, 0) | `crop` | a smaller image is padded |
    | `Pad`, `PadIfNeeded` | `pad` | one divisor for both sides |
    | `RandomBrightnessContrast`, `RandomGamma` (percent) | `brightness-contrast`, `gamma` | rounded, not cut: up to 1 level |
    | `ColorJitter` | `color-jitter` | in a fixed order |
    | `ToGray`, `ChannelShuffle`, `InvertImg`, `Posterize`, `Solarize`, `Equalize` | `to-grey`, `channel-shuffle`, `invert`, `posterize`, `solarize`, `equalize` | `Posterize` with one range for all channels |
    | `CLAHE`, `Sharpen` (`kernel`) | `clahe`, `sharpen` | `clahe`: 1 level on average, 17 at most in the picture tried; `sharpen`: up to 1 |
    | `GaussianBlur` with `blur_limit` 0, `MedianBlur`, `MotionBlur`, `Defocus` | `gaussian-blur`, `median-blur`, `motion-blur`, `defocus` | the line of `MotionBlur` lies about its pixel, whatever `allow_shifted` and `direction_range` say |
    | `GaussNoise`, `ShotNoise`, `ISONoise` | `gauss-noise`, `shot-noise`, `iso-noise` | `ISONoise` works in another colour space |
    | `ImageCompression`, `Downscale` (nearest) | `jpeg`, `downscale` | JPEG only |
    | `CoarseDropout` in shares | `coarse-dropout` | boxes and keypoints are not hidden |
    | `RandomFog`, `RandomRain`, `RandomShadow` (whole frame) | `fog`, `rain`, `shadow` | of the same kind, drawn in another way |
    | `HEStain` (`macenko`) | `concentration-jitter` | the fit is that of `fit-stain`; shifts need `augment_background` |
    | `bbox_params`, `keypoint_params` | params of `augment` | the policy is refused until they are given; boxes are bounded once, at the end, and `min_visibility` is of the given box, not of the box before each op; a keypoint that `remove_invisible: false` keeps is flagged |

    Not taken, among others: `Normalize`, `ToFloat`, `ToTensorV2` (`numbers` does that),
    `LongestMaxSize`, `SmallestMaxSize` (`normalize`, before), `SafeRotate`, `RandomSizedCrop`,
    `HueSaturationValue`, `RandomSunFlare` (its radius is in pixels), `RandomSnow`, `Blur`,
    `ReplayCompose`, `SelectiveChannelTransform`, `additional_targets`, and classes of one's own.

    # Draws
    What a node draws comes from a stream of its own: Philox4x32-10, named by `seed`, the digest of
    the image's bytes, the number of the copy, and the node (its kind, and how many of that kind
    stand before it). So a copy does not depend on the other images, on the number of copies, or on
    order and threads; a node may be taken out of a policy, and all others (but for those of its
    kind after it) draw what they drew before.

    # Every copy can be made again
    The fact `ops` is what was done to a copy: a policy with fixed numbers. Given as `policy`, it
    makes the same bytes. `key` in it names the stream of an op that draws something for each pixel,
    drop or corner.

    # Masks, boxes, keypoints
    They are those of the upright image. A mask is a PNG of one channel or with a palette; its
    values are never mixed. The bound of what is left of a box's outline in the last frame is the
    box; it is dropped where less than `min_box_visibility` of its area is left, or a side is below
    `min_box_px`, and `boxes_dropped` counts it. Ops that cover (`coarse-dropout`, weather) move
    nothing.

    # Determinism
    Integers and fixed point, or floats in a fixed order with `+ − × ÷ sqrt` and a portable
    mathematical library: the same bytes on every machine.

    # Cost
    Ops that are tables of 256 entries are put together and done in one pass. Each copy at work (one
    a thread) takes two to three times the bytes of its image; `elastic` 16 bytes per pixel besides.

    # Examples
    ```sh
    microtome augment patches -o augmented --policy histology.yaml --copies 4 --seed 7
    microtome augment photos -o augmented --original --format jpeg
    microtome augment photos -o augmented --policy albumentations.json --format npy --numbers imagenet
    ```
    """

    def __call__(
        self,
        *,
        dataset: t.Optional[Channel] = None,
        box_format: t.Union[t.Literal["coco", "voc", "yolo", "albumentations"], Channel] = "coco",
        box_outline: t.Union[t.Literal["corners", "ellipse"], Channel] = "corners",
        copies: t.Union[int, Channel] = 1,
        dtype: t.Union[t.Literal["f32", "f16", "u8"], Channel, None] = None,
        format: t.Union[t.Literal["png", "jpeg", "npy", "safetensors"], Channel] = "png",
        keypoint_origin: t.Union[t.Literal["centres", "edges"], Channel] = "centres",
        layout: t.Union[t.Literal["chw", "hwc"], Channel] = "chw",
        mean: t.Union[t.Sequence[float], Channel] = (),
        min_box_px: t.Union[float, Channel] = 1.0,
        min_box_visibility: t.Union[float, Channel] = 0.1,
        mode: t.Union[t.Literal["rgb", "grey", "auto"], Channel] = "rgb",
        numbers: t.Union[t.Literal["none", "unit", "imagenet", "own", "profile"], Channel] = "none",
        original: t.Union[bool, Channel] = False,
        outside_boxes: t.Union[t.Literal["refuse", "clip"], Channel] = "refuse",
        outside_keypoints: t.Union[t.Literal["drop", "flag"], Channel] = "drop",
        policy: t.Union[str, Channel, None] = None,
        quality: t.Union[int, Channel] = 90,
        seed: t.Union[int, Channel] = 0,
        std: t.Union[t.Sequence[float], Channel] = (),
        subsampling: t.Union[t.Literal["420", "422", "444"], Channel] = "420",
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
        """Makes a task of `augment` 1.0.0. Makes augmented copies of images: the same copies for the
        same seed, whatever the order, the threads or the rest of the data.

        Args:
            dataset: The dataset that an earlier step gave. In place of `input_uri`.
            box_format: How the four numbers of a box in `annotation.boxes` are meant.
            box_outline: The outline of which a moved box is the bound.
            copies: Copies of each image. (1 to 1000)
            dtype: What a number of an array is; `u8` with `numbers: none`, else `f32`, if not
                given.
            format: File format of what is written.
            keypoint_origin: From where the keypoints in `annotation.keypoints` are measured.
            layout: In which order the numbers of an array stand.
            mean: Mean of each channel, with `numbers: own`, of samples scaled to 0–1: three
                numbers, or one for `mode: grey`. (-100 to 100)
            min_box_px: Least width and height of a box in the end, in pixels; smaller ones are
                dropped. (0 to 65535)
            min_box_visibility: Least share of a box's area that is left in the end, 0–1; boxes with
                less are dropped. (0 to 1)
            mode: Which channels images are brought to before anything is done.
            numbers: How samples become numbers.
            original: Whether the image itself, to which nothing is done, is written besides (as
                `original`).
            outside_boxes: What happens to a given box that reaches beyond the image.
            outside_keypoints: What happens to a keypoint that leaves the frame.
            policy: What may be done: a YAML or JSON file of this page's form, or one saved by
                Albumentations (`A.save`, `A.to_dict`). Without one: flips, small affine maps and colour
                jitter. (A path or URL that the step can read, or the content as JSON.)
            quality: Quality of JPEG on libjpeg's scale. (1 to 100)
            seed: Seed of all draws: another seed, other copies. (0 to 9007199254740991)
            std: Standard deviation of each channel, with `numbers: own`, of samples scaled to 0–1.
                (0.000001 to 100)
            subsampling: How JPEG stores chroma: 420, 422 or 444.
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


augment = Augment("augment", "1.0.0", "localhost/microtome-augment:1.0.0")
