//! The params of `filter-background`, and its page for users.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::background::foreground::Rule;
use crate::error::{Error, Result};
use crate::step::Camera;
use crate::steps::encode::{ChromaSubsampling, Format};

/// What becomes of the images.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// All stay as they are, with facts.
    Flag,
    /// Empty ones go no further, nor do those that the `drop_…` params name; the others stay.
    Drop,
    /// As `drop`; of an image in which something was found, the largest box is cut out.
    Crop,
    /// Each image becomes its mask: 255 where something is not background, 0 elsewhere.
    Mask,
}

/// Where the background comes from.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Background {
    /// The temporal median of the series.
    Median,
    /// A running mixture: for series too long to be held in memory. Reads each photo three times.
    Mixture,
    /// Nowhere: each image is looked at alone.
    None,
}

/// What the images show.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Scene {
    /// What a camera sees.
    Camera,
    /// Patches of stained slides: glass and pen are looked for.
    Slide,
}

/// Tells empty photos of camera traps from those with animals, and blank patches from tissue.
///
/// # What it does
/// Photos of one camera with no long pause between them are a series; those by day and those by infrared
/// light, and those of unlike sizes, apart. What stands still in a series is its background; what a photo
/// shows besides is its foreground. By the size of the foreground each photo is `empty`, `animal-likely`
/// or `uncertain`, and damaged, blurred, badly exposed and doubled photos are marked. `mode` says what
/// then becomes of them. Where the manifest has boxes of a detector (`scan --detections`), these decide
/// and the step's own guess does not. No trained model is in here: a detector knows animals, this step
/// knows motion.
///
/// # Recall first
/// A photo that is wrongly called empty is lost, one that is wrongly kept costs a look: what cannot be
/// known is `uncertain`, and that is never dropped. `empty` needs a series of at least `min_frames`
/// photos in at least `min_visits` visits (runs of photos at most `visit_s` apart): in a short burst, an
/// animal that stays is in every photo, and so in the background itself. Photos without a known time are one
/// visit, and so are never empty unless `visit_s` is 0.
///
/// # Formula
/// *Working copy.* Photos are decoded, turned upright, brought to sRGB and shrunk to `working_px` on the
/// long side by means over blocks of whole pixels. A photo is infrared when at most `infrared_colour` of its
/// pixels have channels more than 24 levels apart; infrared photos are compared in luminance, others in
/// RGB. Banners (rows at the upper and lower edge of which half is a pure black or white that never
/// changes, up to a tenth of the height) are left out.
///
/// *Background.* `median`: the median over the visits of the median over each visit's photos, pixel by
/// pixel, so that a long visit has one voice. It is taken twice: photos are brought to the light of the
/// first, and the second is used. `mixture`: the heaviest of up to three modes of each pixel, visits
/// having one voice likewise, after the photos were brought to the light of the median of up to 15 of them.
/// Exact doubles have no voice.
///
/// *Light.* `photo ≈ gain · background + offset` for each channel: the median slope over all pairs of 108
/// cells of the picture (Theil–Sen), and the median of what is left.
///
/// *Foreground.* A pixel stands out when it differs in some channel by more than
/// `max(min_difference, noise_k · 1.4826 · max(noise, spread))`, `noise` being the photo's median difference
/// and `spread` the median difference of the series around the pixel (leaves, water). A pixel then stays
/// what at least five of nine around it are, and gaps of up to two pixels are closed. By day, what is darker
/// than the background (0.35 to 0.94 of it) and of the same colour (shares of red and green within 0.02 and four levels)
/// may be shadow: it does not make an animal, but it keeps a photo from being empty.
///
/// *Verdict.* `uncertain` when more than `max_foreground` stands out (the camera moved, the light was
/// switched, a nose covers the lens). Else `animal-likely` when the largest piece without shadow has at
/// least `animal_blob` of the picture. Else `empty` when the largest piece, shadow included, has less than
/// `empty_blob`, and less than `empty_blob` of the picture moved, and the series suffices, and at most
/// `max_blind` of the picture is so restless that a pixel would have to differ by more than 40 levels; else
/// `uncertain`.
/// `motion_score` is the share of the picture that differs both from the photo before and from that
/// after it (three-frame difference).
///
/// *Detector.* `animal-likely` when an animal was found with a confidence of `detector_animal` or more;
/// else `uncertain` when a person or vehicle was, or anything with `detector_empty` or more; else `empty`.
/// Categories other than person, human and vehicle count as animals.
///
/// *Marks.* `corrupt`; `blank` (levels from the 0.5th to the 99.5th percentile span at most 8);
/// `blurred` (sharpness, the variance of the Laplacian of the working copy, below `blurred_below`);
/// `under-exposed` and `over-exposed` (more than the given share of levels up to 12, from 245);
/// `duplicate` (the same bytes, in the same series); `near-duplicate` (perceptual hashes at most `near_duplicate_bits` apart,
/// of the same series); `changed` (more than `max_foreground`); `person`, `vehicle`; `pen`, `glass`. Of
/// doubles the first in time stays unmarked, then that of the lowest digest.
///
/// *`background: none`.* Each image alone: marks only. A blank image is `empty`, all else is `uncertain`.
/// With `scene: slide`, a patch is `empty` when less than `min_tissue` of it is tissue, or more than
/// `max_pen` of it is ink, and `tissue-likely` otherwise.
///
/// # Shapes and units
/// Boxes are in pixels of the upright image, its own size. Crops have its channels, masks have its size,
/// one channel, and are made from the working copy by repeating pixels. In `mode: mask`, a photo that cannot be
/// compared has a mask of 255 everywhere: nothing can be ruled out.
///
/// # What it misses
/// Animals that sit in the same place in half of the visits (they are background; a nest, a resting place):
/// watch for series where all is empty. Animals smaller than `empty_blob` of the picture (at the default,
/// 9 × 9 pixels of 512 × 384), far off or in fog. Animals that differ from what is behind them by less than
/// `min_difference` levels: a black bear at night. Whatever moves where leaves and water always move. Animals
/// in banners. Where the camera sways or the light is another in each visit, most of a detailed scene is too
/// restless to be compared and nothing is `empty`. It alarms for nothing when vegetation moves, the sun comes out between clouds, snow falls, insects
/// and rain pass the flash, or the camera was moved: then raise `min_visits`, shorten `gap_s`, or use a
/// detector. Dropping near-duplicates drops small animals: hashes look at 32 × 32 pixels.
///
/// # Source
/// Medians and their limits: M. Piccardi, "Background subtraction techniques: a review", IEEE SMC 2004,
/// doi:10.1109/ICSMC.2004.1400815. Mixture: C. Stauffer, W. Grimson, CVPR 1999,
/// doi:10.1109/CVPR.1999.784637. Shadows: A. Prati et al., IEEE PAMI 25 (2003),
/// doi:10.1109/TPAMI.2003.1206520. Light: P. K. Sen, JASA 63 (1968),
/// doi:10.1080/01621459.1968.10480934. Three-frame difference: R. Collins et al., CMU-RI-TR-00-12, 2000.
/// Sharpness: J. L. Pech-Pacheco et al., ICPR 2000, doi:10.1109/ICPR.2000.903548. Hashes: C. Zauner,
/// "Implementation and benchmarking of perceptual image hash functions", 2010. Boxes: MegaDetector's batch
/// format.
///
/// # Edge cases
/// A photo that cannot be decoded is `corrupt` with the reason, `uncertain`, and takes no part in the
/// background; in `mode: crop` and `mask`, where nothing can be made of it, it is a failure unless
/// `drop_corrupt` lets it go. One that is larger than the limit
/// of decoded bytes is a failure, too, and the others go on. A series of one photo is `uncertain`.
/// What lies in the pixels of a photo (`annotation.boxes`, `annotation.keypoints`, `annotation.mask`,
/// `detector.boxes`) stays with it where it is kept, and is null for a crop and for a mask, whose pixels lie
/// elsewhere: a crop is named after its upper left corner in the photo (`x00120_y00044`), and `box_x_px` and
/// its kin say where the box was, without the margin.
///
/// # Determinism
/// The same on every machine and for any number of threads. A photo's facts depend on the other photos of its
/// series (they are in the key), not on names or the order of rows.
///
/// # Cost
/// Decoding is most of it: once each, once more for crops, three times with `mixture`. Memory for a series
/// with `median` is two to three working copies for each photo (0.6 MB each by day at 512 × 384), so
/// `max_frames` bounds it; with `mixture` about 64 bytes for each pixel of a working copy and 15 copies.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Params {
    /// What becomes of the images.
    pub mode: Mode,
    /// Where the background comes from.
    pub background: Background,
    /// What the images show.
    pub scene: Scene,
    /// What tells one camera from another.
    pub camera: Camera,
    /// Longest pause within a series, in seconds.
    #[garde(range(min = 1, max = 31_622_400))]
    pub gap_s: u32,
    /// Most photos of a series; a longer one is cut.
    #[garde(range(min = 1, max = 4096))]
    pub max_frames: u32,
    /// Longest pause within a visit, in seconds; 0 makes each photo a visit of its own.
    #[garde(range(max = 86_400))]
    pub visit_s: u32,
    /// Photos that a series needs before one of them may be empty.
    #[garde(range(min = 3, max = 4096))]
    pub min_frames: u32,
    /// Visits that a series needs before one of its photos may be empty.
    #[garde(range(min = 2, max = 4096))]
    pub min_visits: u32,
    /// Long side of the copies on which photos are compared.
    #[garde(range(min = 64, max = 2048))]
    pub working_px: u32,
    /// Whether photos are brought to the light of the background.
    pub lighting: bool,
    /// Whether shadows are told from animals, by day.
    pub shadows: bool,
    /// Whether banners are looked for and left out.
    pub banners: bool,
    /// Least difference from the background, in levels.
    #[garde(range(min = 1, max = 128))]
    pub min_difference: u8,
    /// Least difference from the background, in standard deviations of noise.
    #[garde(range(min = 1.0, max = 50.0))]
    pub noise_k: f64,
    /// Largest piece of an empty photo, as a part of the picture.
    #[garde(range(min = 0.0, max = 1.0))]
    pub empty_blob: f64,
    /// Least piece that makes an animal likely, as a part of the picture.
    #[garde(range(min = 0.0, max = 1.0))]
    pub animal_blob: f64,
    /// Most foreground that is compared at all, as a part of the picture.
    #[garde(range(min = 0.01, max = 1.0))]
    pub max_foreground: f64,
    /// Most of a picture that may be too restless to be compared, for a photo to be empty, as a part of it.
    #[garde(range(min = 0.0, max = 1.0))]
    pub max_blind: f64,
    /// Most coloured pixels of an infrared photo, as a part of the picture.
    #[garde(range(min = 0.0, max = 1.0))]
    pub infrared_colour: f64,
    /// Whether boxes of a detector decide, where the manifest has them.
    pub use_detections: bool,
    /// Confidence from which an animal is likely.
    #[garde(range(min = 0.0, max = 1.0))]
    pub detector_animal: f64,
    /// Confidence below which nothing was found.
    #[garde(range(min = 0.0, max = 1.0))]
    pub detector_empty: f64,
    /// Sharpness below which a photo is blurred.
    #[garde(range(min = 0.0, max = 65_025.0))]
    pub blurred_below: f64,
    /// Share of dark pixels above which a photo is under-exposed.
    #[garde(range(min = 0.0, max = 1.0))]
    pub under_exposed: f64,
    /// Share of bright pixels above which a photo is over-exposed.
    #[garde(range(min = 0.0, max = 1.0))]
    pub over_exposed: f64,
    /// Most bits in which hashes of near-duplicates differ.
    #[garde(range(max = 32))]
    pub near_duplicate_bits: u32,
    /// Whether damaged photos are dropped, too.
    pub drop_corrupt: bool,
    /// Whether blurred photos are dropped, too, unless an animal is likely.
    pub drop_blurred: bool,
    /// Whether under- and over-exposed photos are dropped, too, unless an animal is likely.
    pub drop_exposure: bool,
    /// Whether all but the first of photos of a series with the same bytes are dropped, too.
    pub drop_duplicates: bool,
    /// Whether near-duplicates are dropped, too, animals or not.
    pub drop_near_duplicates: bool,
    /// Whether photos in which a detector found a person or a vehicle are dropped, too.
    pub drop_people: bool,
    /// Margin around the box of a crop, on each side, as a part of the box's longer side.
    #[garde(range(min = 0.0, max = 4.0))]
    pub margin: f64,
    /// Least tissue of a patch that is not empty, as a part of it, with `scene: slide`.
    #[garde(range(min = 0.0, max = 1.0))]
    pub min_tissue: f64,
    /// Most ink of a patch that is not empty, as a part of it, with `scene: slide`.
    #[garde(range(min = 0.0, max = 1.0))]
    pub max_pen: f64,
    /// Least level of the darkest channel of glass, with `scene: slide`.
    #[garde(range(min = 1, max = 255))]
    pub glass_level: u8,
    /// File format of crops.
    pub format: Format,
    /// Quality of JPEG on libjpeg's scale.
    #[garde(range(min = 1, max = 100))]
    pub quality: u8,
    /// How JPEG stores chroma: 420, 422 or 444.
    pub subsampling: ChromaSubsampling,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            mode: Mode::Flag,
            background: Background::Median,
            scene: Scene::Camera,
            camera: Camera::Auto,
            gap_s: 86_400,
            max_frames: 128,
            visit_s: 60,
            min_frames: 5,
            min_visits: 4,
            working_px: 512,
            lighting: true,
            shadows: true,
            banners: true,
            min_difference: 12,
            noise_k: 4.0,
            empty_blob: 0.0004,
            animal_blob: 0.002,
            max_foreground: 0.6,
            max_blind: 0.2,
            infrared_colour: 0.02,
            use_detections: true,
            detector_animal: 0.2,
            detector_empty: 0.05,
            blurred_below: 20.0,
            under_exposed: 0.9,
            over_exposed: 0.5,
            near_duplicate_bits: 2,
            drop_corrupt: false,
            drop_blurred: false,
            drop_exposure: false,
            drop_duplicates: false,
            drop_near_duplicates: false,
            drop_people: false,
            margin: 0.1,
            min_tissue: 0.02,
            max_pen: 0.1,
            glass_level: 200,
            format: Format::Jpeg,
            quality: 90,
            subsampling: ChromaSubsampling::S420,
        }
    }
}

impl Params {
    /// How a difference is judged.
    pub fn rule(&self) -> Rule {
        Rule { least: self.min_difference, k: self.noise_k }
    }

    /// Checks params against each other.
    ///
    /// # Errors
    /// [`Error::Params`] naming the field.
    pub fn check(&self) -> Result<()> {
        let order = |field: &str, low: f64, other: &str, high: f64| {
            if low <= high {
                return Ok(());
            }
            Err(Error::params(field, format!("{low}, more than `{other}`, which is {high}")))
        };
        order("empty_blob", self.empty_blob, "animal_blob", self.animal_blob)?;
        order("detector_empty", self.detector_empty, "detector_animal", self.detector_animal)?;
        let alone = self.background == Background::None;
        if self.scene == Scene::Slide && !alone {
            let message = "slide, of which no series is made: give `background: none` with it";
            return Err(Error::params("scene", message));
        }
        if alone && self.mode == Mode::Mask {
            let message = "mask, which needs a background: give another than `none`";
            return Err(Error::params("mode", message));
        }
        if alone && (self.drop_duplicates || self.drop_near_duplicates) {
            let message = "true, but `background: none` looks at each image alone";
            let field =
                if self.drop_duplicates { "drop_duplicates" } else { "drop_near_duplicates" };
            return Err(Error::params(field, message));
        }
        Ok(())
    }
}
