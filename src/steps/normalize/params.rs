//! The params of `normalize`, and its page for users.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::choices::{Contrast, ContrastOver, Convention, Depth, Resize, WhiteBalance};
use super::reference::Reference;
use crate::pixels::resize::{Filter, Light};
use crate::steps::arrays::{Dtype, Layout, Numbers, Output};
use crate::steps::encode::ChromaSubsampling;
use crate::steps::fit_normalize::Profile;
use crate::steps::photo::{Colour, Icc, Mode, Reading};
use crate::steps::targets::{BoxFormat, OutsideBoxes, OutsidePoints, PointOrigin};

/// Brings photos to one form: upright, one colour space, one brightness, one size, numbers if wanted.
///
/// # What it does
/// Decodes a photo (or level 0 of a TIFF) and does what is asked for, always in this order, which is
/// part of the step's version:
///
/// 1. **Decode.** Inks and palettes become RGB, a colour profile is applied (`icc`), alpha is laid over
///    `background`, 16 bits become 8 (`depth`). Of an animated GIF or PNG, the first frame
///    (an animated WebP is refused).
/// 2. **Orientation.** The picture is turned as EXIF says (1–8); the fact `orientation` says how.
///    Then channels are brought to `mode`.
/// 3. **White balance** (`white_balance`): one gain per channel.
/// 4. **Contrast** (`contrast`).
/// 5. **Gamma** (`gamma`).
/// 6. **Geometry**: resize (`resize`), then crop about the centre (`crop_width_px`, `crop_height_px`), then
///    pad to a multiple (`pad_multiple`).
/// 7. **Numbers** (`numbers`): scaled, less a mean, over a standard deviation.
/// 8. **File** (`format`).
///
/// With the defaults, only 1, 2 and 8 change anything: an upright RGB PNG.
///
/// # Formula
/// *Colours.* 8-bit sRGB. CMYK without a profile: `R = C·K / 255` on Adobe's inverted inks. 16 to 8 bits:
/// `round(x / 257)`. Alpha: `a·x + (1 − a)·background`, rounded, on the samples as they are coded. `grey`:
/// `(9798 R + 19235 G + 3735 B + 2¹⁴) >> 15` (BT.601, as OpenCV).
///
/// *White balance.* Gains g are applied as `clip(round(g·x))`. `grey-world` (Buchsbaum 1980): means become
/// equal. `max-rgb` (Land 1977): the `max_rgb_percentile` of each channel becomes 255.
/// `shades-of-grey` (Finlayson and Trezzi 2004): Minkowski means of order `minkowski_p` become equal;
/// 1 is grey world, large p comes near max-RGB. Gains are computed on all pixels, and are facts.
///
/// *Contrast.* `clahe` (Zuiderveld 1994): OpenCV's `createCLAHE(clip_limit, (tiles_x, tiles_y))`, equal
/// to the bit on grey. `equalize`: OpenCV's `equalizeHist`. `stretch`: what lies between the percentiles
/// `low_percentile` and `high_percentile` is spread over 0–255, `clip(round((x − low)·255 / (high − low)))`,
/// percentiles as numpy's. `match`: each level goes to the level at the same quantile of the reference
/// `match_to`, channel by channel, as scikit-image's `match_histograms`. Of colours, `contrast_over` says
/// what is changed: the lightness of CIELAB, the luma, or each channel by itself; `match` always works
/// on each channel.
///
/// *Gamma.* `round(255·(x / 255)^gamma)`: below 1 lightens, above 1 darkens.
///
/// *Numbers.* `(x / 255 − mean) / std` per channel (16 bits: `x / 65535`), in single precision.
///
/// # Resizing, which means another thing in every library
/// The centre of output pixel i lies at `(i + ½)·W/w − ½` of the source (no `align_corners`). Filters grow
/// with the scale when an image shrinks (antialiasing); `filter` names them as fast_image_resize does.
/// This is what Pillow does always, and torchvision with `antialias=True` (its default for images since
/// 0.17). OpenCV's `INTER_LINEAR`, `INTER_CUBIC` and `INTER_LANCZOS4` do *not* antialias, and differ by 13
/// levels on average when a photo is made 4 times smaller: a model that was trained on those has seen
/// other pixels. OpenCV's `INTER_AREA` is `filter: box` for whole scales. `bicubic` is Catmull–Rom (a =
/// −0.5) in Pillow and here, and a = −0.75 in OpenCV and in torch without antialiasing.
///
/// `convention: antialias` computes in fixed point and is within one level of Pillow's bilinear;
/// `convention: pillow` gives the bits of Pillow up to 12, for 8 bits and the filters that Pillow has. (Pillow
/// 13 resizes rows before columns where these shrink more, and there gives other bits.) `light: linear`
/// undoes sRGB's curve before averaging: fine bright detail keeps its brightness; hardly any library does
/// so.
///
/// Sizes: `shortest` and `longest` set that side to `side_px` and give the other one
/// `round(side·other / this)` (halves up; torchvision cuts off, and can be a pixel smaller), at least 1.
/// `letterbox` fits the image into `width_px × height_px` and fills the rest with `fill`, half on each side
/// (the odd pixel on the right and below; YOLO's usual fill is `#727272`). Without `enlarge`, an image
/// is never made larger by resizing.
/// A crop takes the middle (the odd pixel is left over on the right and below); where the image is
/// smaller than the crop, it is filled with `fill`, the image in the middle. Padding to a multiple goes
/// to the right and below, so that coordinates stay.
///
/// A point (x, y) of the upright source, in pixels from its upper left *corner*, lies at
/// `(x·scale_x + offset_x_px, y·scale_y + offset_y_px)` of the result; back by the inverse.
///
/// # Masks, boxes, keypoints
/// Those that the manifest has for a photo (`annotation.mask`, `annotation.boxes`, `annotation.keypoints`)
/// go through the same resizing, cropping and padding. They are those of the *upright* image, as labelling
/// tools show it: orientation moves none of them, and a mask of the stored, unturned picture is refused.
/// A box is cut by the frame; it is dropped where less than `min_box_visibility` of its area is left, or a
/// side is below `min_box_px`, and `boxes_dropped` counts it. A keypoint outside of the frame follows
/// `outside_keypoints`. A mask is a PNG of one channel or with a palette: resized by the nearest pixel, so that
/// its values are never mixed, and filled with `mask_fill`. It is written beside the image as a PNG, also
/// where that is an array or a JPEG. Boxes of a detector (`detector.boxes`) are for `filter-background`, which
/// comes before: they are null afterwards.
///
/// # Shapes and units
/// `png` and `jpeg`: 8 bits, or 16 (PNG with `depth`). `npy` and `safetensors`: one array, C order, little
/// endian, `(channels, height, width)` with `layout: chw`; always three axes. `dtype` is `u8` with
/// `numbers: none`, else `f32` or `f16`. `mean` and `std` are of samples scaled to 0–1 (ImageNet's
/// 0.485 …, not 123.675 …).
///
/// # Source
/// G. Buchsbaum, J. Franklin Inst. 310 (1980), doi:10.1016/0016-0032(80)90058-7. E. H. Land, Scientific
/// American 237 (1977). G. D. Finlayson, E. Trezzi, "Shades of gray and colour constancy", CIC 12 (2004).
/// K. Zuiderveld, "Contrast limited adaptive histogram equalization", Graphics Gems IV (1994).
///
/// # Edge cases
/// A grey image has no white balance, and no channels to choose from in `contrast_over`. Infrared photos
/// (red, green and blue equal in every pixel) stay so: white balance gives three equal gains, and contrast is
/// changed on the one channel that they are, whatever `contrast_over` says (`match` apart, which takes
/// colours from the reference). `looks_infrared` says that at least 99 % of the pixels are within 8
/// levels of grey: such a photo may have a tint, and is treated as the colour photo that it is.
/// A flat image stays as it is under `stretch` and `equalize`. Deep images (`depth: 16`, `keep`) have
/// neither white balance, contrast nor gamma, nor Pillow's convention. `mode: auto` mixes images of one
/// and of three channels, and takes no mean or reference. A damaged or truncated file is an error, never
/// a half-grey picture. A result larger than `--max-decoded` is refused before memory is taken for it.
///
/// # Determinism
/// Integers, fixed point, and doubles in a fixed order: the same bytes on every machine and for any
/// number of threads.
///
/// # Cost
/// One decode, about one pass over the pixels for each thing that is asked for, one encode: mostly the
/// codecs. Memory is that of the image at work, up to four times while it is resized.
///
/// # Examples
/// ```sh
/// microtome normalize photos -o upright
/// microtome normalize photos -o small --resize letterbox --width-px 640 --height-px 640 --fill '#727272'
/// microtome normalize photos -o arrays --resize shortest --side-px 256 --crop-width-px 224 --crop-height-px 224 --numbers imagenet --format npy
/// microtome normalize photos -o nights --contrast clahe --clip-limit 2 --white-balance shades-of-grey
/// microtome normalize fitted -o arrays --numbers profile --format safetensors
/// ```
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Params {
    /// What is done with a colour profile that a file carries.
    pub icc: Icc,
    /// What lies behind half-transparent pixels, as `#rrggbb`.
    pub background: Colour,
    /// Which channels images are brought to.
    pub mode: Mode,
    /// Bits per sample: 8, 16 or keep.
    pub depth: Depth,
    /// How the colour of the light is taken out.
    pub white_balance: WhiteBalance,
    /// Order of the Minkowski mean of `shades-of-grey`.
    #[garde(range(min = 1.0, max = 64.0))]
    pub minkowski_p: f64,
    /// Percentile of each channel that `max-rgb` makes white; 100 is the brightest pixel.
    #[garde(range(min = 50.0, max = 100.0))]
    pub max_rgb_percentile: f64,
    /// How contrast is changed.
    pub contrast: Contrast,
    /// What of a colour is changed by `clahe`, `equalize` and `stretch`.
    pub contrast_over: ContrastOver,
    /// Clip limit of `clahe`, in multiples of an even histogram; 0 does not clip.
    #[garde(range(min = 0.0, max = 256.0))]
    pub clip_limit: f64,
    /// Tiles of `clahe` along a row.
    #[garde(range(min = 1, max = 256))]
    pub tiles_x: u32,
    /// Tiles of `clahe` along a column.
    #[garde(range(min = 1, max = 256))]
    pub tiles_y: u32,
    /// Percentile that `stretch` makes black.
    #[garde(range(min = 0.0, max = 100.0))]
    pub low_percentile: f64,
    /// Percentile that `stretch` makes white.
    #[garde(range(min = 0.0, max = 100.0))]
    pub high_percentile: f64,
    /// Reference of `match`: one or more images, or profiles (`profile.json`) of `fit-normalize`; their
    /// counts are added up.
    #[schemars(extend("x-file" = "profile"))]
    pub match_to: Option<Reference>,
    /// Exponent on samples scaled to 0–1; 1 changes nothing.
    #[garde(range(min = 0.1, max = 10.0))]
    pub gamma: f64,
    /// How images are resized.
    pub resize: Resize,
    /// Width that `exact` and `letterbox` give, in pixels.
    #[garde(range(min = 1, max = 65_535))]
    pub width_px: Option<u32>,
    /// Height that `exact` and `letterbox` give, in pixels.
    #[garde(range(min = 1, max = 65_535))]
    pub height_px: Option<u32>,
    /// Side that `shortest` and `longest` give, in pixels.
    #[garde(range(min = 1, max = 65_535))]
    pub side_px: Option<u32>,
    /// How pixels of the source make one of the resized image.
    pub filter: Filter,
    /// In which numbers pixels are averaged.
    pub light: Light,
    /// Whose pixels resizing gives.
    pub convention: Convention,
    /// Whether an image may be made larger by resizing.
    pub enlarge: bool,
    /// What letterboxes, crops that are larger than the image, and padding are filled with, as `#rrggbb`.
    pub fill: Colour,
    /// Width of the crop about the centre, in pixels; the image's own if not given.
    #[garde(range(min = 1, max = 65_535))]
    pub crop_width_px: Option<u32>,
    /// Height of the crop about the centre, in pixels; the image's own if not given.
    #[garde(range(min = 1, max = 65_535))]
    pub crop_height_px: Option<u32>,
    /// Width and height are padded to a multiple of this many pixels; 1 pads nothing.
    #[garde(range(min = 1, max = 4096))]
    pub pad_multiple: u32,
    /// How samples become numbers.
    pub numbers: Numbers,
    /// Mean of each channel, with `numbers: own`, of samples scaled to 0–1: three numbers, or one for
    /// `mode: grey`.
    #[garde(inner(range(min = -100.0, max = 100.0)))]
    pub mean: Vec<f64>,
    /// Standard deviation of each channel, with `numbers: own`, of samples scaled to 0–1.
    #[garde(inner(range(min = 1e-6, max = 100.0)))]
    pub std: Vec<f64>,
    /// Statistics for `numbers: profile`: a `profile.json` of `fit-normalize`, or several, whose counts are
    /// added up; those in the manifest if not given.
    #[schemars(extend("x-file" = "profile"))]
    pub profile: Option<Profile>,
    /// In which order the numbers of an array stand.
    pub layout: Layout,
    /// What a number of an array is; `u8` with `numbers: none`, else `f32`, if not given.
    pub dtype: Option<Dtype>,
    /// File format of what is written.
    pub format: Output,
    /// Quality of JPEG on libjpeg's scale.
    #[garde(range(min = 1, max = 100))]
    pub quality: u8,
    /// How JPEG stores chroma: 420, 422 or 444.
    pub subsampling: ChromaSubsampling,
    /// What letterboxes, larger crops and padding of a mask are filled with.
    #[garde(range(max = 255))]
    pub mask_fill: u8,
    /// How the four numbers of a box in `annotation.boxes` are meant.
    pub box_format: BoxFormat,
    /// What happens to a given box that reaches beyond the image.
    pub outside_boxes: OutsideBoxes,
    /// Least share of a box's area that is left in the end, 0–1; boxes with less are dropped.
    #[garde(range(min = 0.0, max = 1.0))]
    pub min_box_visibility: f64,
    /// Least width and height of a box in the end, in pixels; smaller ones are dropped.
    #[garde(range(min = 0.0, max = 65_535.0))]
    pub min_box_px: f64,
    /// From where the keypoints in `annotation.keypoints` are measured.
    pub keypoint_origin: PointOrigin,
    /// What happens to a keypoint that leaves the frame.
    pub outside_keypoints: OutsidePoints,
}

impl Default for Params {
    fn default() -> Self {
        let Reading { background, icc, mode, .. } = Reading::default();
        Self {
            icc,
            background,
            mode,
            depth: Depth::Eight,
            white_balance: WhiteBalance::None,
            minkowski_p: 6.0,
            max_rgb_percentile: 100.0,
            contrast: Contrast::None,
            contrast_over: ContrastOver::Lab,
            clip_limit: 2.0,
            tiles_x: 8,
            tiles_y: 8,
            low_percentile: 1.0,
            high_percentile: 99.0,
            match_to: None,
            gamma: 1.0,
            resize: Resize::None,
            width_px: None,
            height_px: None,
            side_px: None,
            filter: Filter::Bilinear,
            light: Light::Gamma,
            convention: Convention::Antialias,
            enlarge: true,
            fill: Colour([0; 3]),
            crop_width_px: None,
            crop_height_px: None,
            pad_multiple: 1,
            numbers: Numbers::None,
            mean: Vec::new(),
            std: Vec::new(),
            profile: None,
            layout: Layout::Chw,
            dtype: None,
            format: Output::Png,
            quality: 90,
            subsampling: ChromaSubsampling::S420,
            mask_fill: 0,
            box_format: BoxFormat::Coco,
            outside_boxes: OutsideBoxes::Refuse,
            min_box_visibility: 0.1,
            min_box_px: 1.0,
            keypoint_origin: PointOrigin::Centres,
            outside_keypoints: OutsidePoints::Drop,
        }
    }
}
