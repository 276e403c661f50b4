//! `stain-normalize`: images to the stains of a target. The page for users is [`Params`].

mod params;

use std::sync::Mutex;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

pub use params::{Concentrations, OnDegenerate, Params, SourceKind};

use super::encode::encode;
use super::stain::{light, pool_of, profile_from, reference, rgb, without};
use crate::error::{Error, Result};
use crate::image::{Image, Samples, png};
use crate::manifest::{Column, Kind};
use crate::stain::amounts::{Amounts, Third};
use crate::stain::brightness::Brightness;
use crate::stain::{FastFit, Fitted, Method, Normalizer, Over, Profile, Status, fit, ruifrok};
use crate::step::{Made, Out, Source, Step, params_from};

const fn profile(name: &'static str, doc: &'static str) -> Column {
    Column { name, kind: Kind::Text, made_by: "fit-stain", doc }
}

const SLIDE: Column = profile(
    "fit-stain.profile",
    "stain profile of the item's slide as JSON; null where it has none; without `fit-stain`, take \
     `source: image` or `source: fixed`",
);
const STATUS: Column = profile("fit-stain.status", "how the fit of the item's slide fared");
const COHORT: Column =
    profile("fit-stain.cohort", "stain profile of the cohort as JSON; null where it is not needed");
const TARGET: Column =
    profile("fit-stain.target", "stain profile to aim at as JSON; null where there is none");

/// Which profile an image was normalized from.
#[derive(Serialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Used {
    /// Its own.
    Image,
    /// Its slide's (or the cohort's, where `fit-stain` was run per cohort).
    Slide,
    /// The cohort's.
    Cohort,
    /// The one given.
    Fixed,
    /// The method's own reference.
    Reference,
    /// None: the pixels are as they were.
    None,
}

/// What an image shows.
#[derive(Serialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Shows {
    /// The normalized image.
    Rgb,
    /// Amount of hematoxylin.
    Hematoxylin,
    /// Amount of eosin.
    Eosin,
    /// Amount of the third component.
    Third,
}

/// What `stain-normalize` says of an image.
#[derive(Serialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct Facts {
    /// What the image shows: rgb, or the amount of one stain.
    pub shows: Shows,
    /// Which profile it was normalized from.
    pub source: Used,
    /// How the fit of the image or slide fared at the gates; null where none was asked for.
    pub status: Option<Status>,
    /// Part of the image that is tissue, 0–1.
    pub tissue_fraction: f64,
    /// Angle between the stains of the image's own fit in degrees; null where there is none.
    pub angle_deg: Option<f64>,
}

/// The step.
pub struct StainNormalize {
    params: Params,
    /// The last normalizer that was made: patches of one slide have the same profiles.
    last: Mutex<Option<(Profile, Profile, std::sync::Arc<Normalizer>)>>,
    fits: Mutex<Vec<FastFit>>,
}

impl Step for StainNormalize {
    const NAME: &'static str = "stain-normalize";
    const VERSION: &'static str = "1.0.0";
    type Params = Params;
    type Input = Source;
    type Facts = Facts;
    const READS: &'static [Column] = &[SLIDE, STATUS, COHORT, TARGET];
    const ALIGNED: bool = true;

    fn new(params: Params) -> Result<Self> {
        params.check()?;
        Ok(Self { params, last: Mutex::default(), fits: Mutex::default() })
    }

    fn reads(&self) -> &'static [Column] {
        let falls_back = self.params.on_degenerate <= OnDegenerate::Cohort;
        match (self.params.source, falls_back, self.params.target.is_some()) {
            (SourceKind::Slide, _, false) => Self::READS,
            (SourceKind::Slide, _, true) => &[SLIDE, STATUS, COHORT],
            (SourceKind::Image, true, false) => &[SLIDE, COHORT, TARGET],
            (SourceKind::Image, true, true) => &[SLIDE, COHORT],
            (_, _, false) => &[TARGET],
            (_, _, true) => &[],
        }
    }

    fn needs(&self) -> &'static [Column] {
        if self.params.source == SourceKind::Slide { &[SLIDE] } else { &[] }
    }

    fn after(&self, earlier: &[(&str, &Value)]) -> Result<()> {
        let fit = earlier.iter().rfind(|(name, _)| *name == "fit-stain");
        let Some((_, fit)) = fit.filter(|_| !self.reads().is_empty()) else { return Ok(()) };
        let method = serde_json::to_value(self.params.method).unwrap_or_default();
        if fit["method"] != method {
            let message = format!(
                "{method}, and `fit-stain` before it has {}: give both steps the same method",
                fit["method"]
            );
            return Err(Error::params("method", message));
        }
        if self.params.target.is_none()
            && fit["target"].is_null()
            && reference(self.params.method).is_none()
        {
            return Err(no_target());
        }
        Ok(())
    }

    fn inline(
        param: &str,
        files: &[(String, Vec<u8>)],
        given: &Map<String, Value>,
    ) -> Result<Value> {
        let params: Params =
            params_from(without(given, &["target", "source_profile", "source", "concentrations"]))?;
        profile_from(param, files, &params.options(), params.several)
    }

    fn run(&self, source: Source, out: &mut Out<'_, Facts>) -> Result<()> {
        let mut image = rgb(&source)?;
        if self.params.brightness {
            image = self.brightened(&image)?;
        }
        let target = self.target(&source)?;
        if target.is_none() {
            return Err(no_target());
        }
        let chosen = self.choose(&source, &image, target.as_ref())?;
        let pixels = image.as_u8().unwrap_or_default();
        let facts = |shows| Facts {
            shows,
            source: chosen.used,
            status: chosen.status,
            tissue_fraction: self.tissue_fraction(pixels),
            angle_deg: chosen.angle_deg,
        };
        let (width, height) = (image.width_px(), image.height_px());
        let normalized = match (&chosen.profile, &target) {
            (Some(from), Some(to)) if chosen.used != Used::None => {
                let mut made = vec![0; pixels.len()];
                self.normalizer(from, to)?.apply(pixels, &mut made)?;
                Image::from_u8(width, height, 3, made)?
            }
            _ => image.clone(),
        };
        let Params { format, quality, subsampling, .. } = self.params;
        let (bytes, ending, media_type) = encode(&normalized, format, quality, subsampling)?;
        let name = format!("normalized.{ending}");
        out.put(Made::new(name, bytes, media_type, (width, height), &facts(Shows::Rgb))?)?;
        if let Some(from) = chosen.profile.as_ref().filter(|p| p.stains.is_some()) {
            for (shows, name, plane) in self.planes(from, pixels)? {
                let plane = Image::new(width, height, 1, Samples::U16(plane))?;
                let (bytes, size) = (png::encode(&plane)?, (width, height));
                out.put(Made::new(name.into(), bytes, "image/png", size, &facts(shows))?)?;
            }
        }
        Ok(())
    }
}

fn no_target() -> Error {
    let message = "missing: the Reinhard methods have no reference of their own; give it here or to `fit-stain`";
    Error::params("target", message)
}

/// The profile that an image is normalized from.
struct Chosen {
    profile: Option<Profile>,
    used: Used,
    status: Option<Status>,
    angle_deg: Option<f64>,
}

impl StainNormalize {
    /// What to aim at.
    fn target(&self, source: &Source) -> Result<Option<Profile>> {
        if let Some(target) = &self.params.target {
            return Ok(Some(target.clone()));
        }
        match self.column(source, &TARGET)? {
            Some(target) => Ok(Some(target)),
            None => Ok(reference(self.params.method)),
        }
    }

    /// A profile from a column of the manifest.
    fn column(&self, source: &Source, column: &Column) -> Result<Option<Profile>> {
        let Some(text) = source.column(column).as_str() else { return Ok(None) };
        let unusable = |message: String| Error::Schema {
            step: Self::NAME.into(),
            column: column.name.into(),
            message,
        };
        let profile: Profile = serde_json::from_str(text).map_err(|e| unusable(e.to_string()))?;
        profile.check().map_err(|e| unusable(e.to_string()))?;
        if profile.method != self.params.method {
            let message = format!(
                "{} holds a profile by {}: give both steps the same method",
                column.name,
                serde_json::to_string(&profile.method).unwrap_or_default()
            );
            return Err(Error::params("method", message));
        }
        Ok(Some(profile))
    }

    /// Chooses the source profile, down the line of what stands in.
    fn choose(&self, source: &Source, image: &Image, target: Option<&Profile>) -> Result<Chosen> {
        let found = |profile: Profile, used| Chosen {
            angle_deg: profile.angle_deg,
            profile: Some(profile),
            used,
            status: None,
        };
        let (status, angle_deg) = match self.params.source {
            SourceKind::Fixed => {
                let given = self.params.source_profile.clone();
                let used = if given.is_some() { Used::Fixed } else { Used::Reference };
                if let Some(profile) = given.or_else(|| reference(self.params.method)) {
                    return Ok(found(profile, used));
                }
                (None, None)
            }
            SourceKind::Slide => match self.column(source, &SLIDE)? {
                Some(profile) => {
                    return Ok(Chosen { status: Some(Status::Ok), ..found(profile, Used::Slide) });
                }
                None => (self.slide_status(source), None),
            },
            SourceKind::Image => {
                let Fitted { profile, status, measured } = self.fit(image);
                if let Some(profile) = profile {
                    return Ok(Chosen { status: Some(status), ..found(profile, Used::Image) });
                }
                (Some(status), measured.angle_deg)
            }
        };
        let stand_in = |profile, used| Ok(Chosen { status, angle_deg, ..found(profile, used) });
        let from = self.params.on_degenerate;
        if from <= OnDegenerate::Slide
            && self.params.source == SourceKind::Image
            && let Some(profile) = self.column(source, &SLIDE)?
        {
            return stand_in(profile, Used::Slide);
        }
        if from <= OnDegenerate::Cohort
            && let Some(profile) = self.column(source, &COHORT)?
        {
            return stand_in(profile, Used::Cohort);
        }
        if from <= OnDegenerate::Reference
            && target.is_some()
            && let Some(profile) = reference(self.params.method)
        {
            return stand_in(profile, Used::Reference);
        }
        if from == OnDegenerate::Fail {
            let why = status.map_or("`fit-stain` gave it no profile", Status::words);
            return Err(Error::unsupported(
                format!("an image without a stain profile ({why})"),
                "leave it out, or take another `on_degenerate`",
            ));
        }
        Ok(Chosen { profile: None, used: Used::None, status, angle_deg })
    }

    /// How the fit of the slide fared, where the manifest says it.
    fn slide_status(&self, source: &Source) -> Option<Status> {
        serde_json::from_value(source.column(&STATUS).clone()).ok().flatten()
    }

    fn fit(&self, image: &Image) -> Fitted {
        let options = self.params.options();
        if options.over != Over::All {
            return fit(&pool_of(image, &options), &options);
        }
        // What a fit needs beside the pixels is kept for the next image.
        let lock = || self.fits.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let kept = lock().pop();
        let mut fast = kept.unwrap_or_else(|| FastFit::new(&options));
        let fitted = fast.fit(image.as_u8().unwrap_or_default());
        lock().push(fast);
        fitted
    }

    fn brightened(&self, image: &Image) -> Result<Image> {
        let pixels = image.as_u8().unwrap_or_default();
        let mut made = vec![0; pixels.len()];
        Brightness::of_rgb(pixels, self.params.brightness_percentile).apply(pixels, &mut made)?;
        Image::from_u8(image.width_px(), image.height_px(), 3, made)
    }

    fn tissue_fraction(&self, pixels: &[u8]) -> f64 {
        let [Some(r), Some(g), Some(b)] = light(&self.params.options()) else { return 0.0 };
        let pixels = pixels.as_chunks::<3>().0;
        let tissue = pixels.iter().filter(|p| p[0] <= r && p[1] <= g && p[2] <= b).count();
        tissue as f64 / pixels.len().max(1) as f64
    }

    fn normalizer(&self, from: &Profile, to: &Profile) -> Result<std::sync::Arc<Normalizer>> {
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((a, b, made)) = &*last
            && (a, b) == (from, to)
        {
            return Ok(made.clone());
        }
        let made = std::sync::Arc::new(Normalizer::new(from, to, &self.params.apply_options())?);
        *last = Some((from.clone(), to.clone(), made.clone()));
        Ok(made)
    }

    fn planes(
        &self,
        from: &Profile,
        pixels: &[u8],
    ) -> Result<Vec<(Shows, &'static str, Vec<u16>)>> {
        let names = [
            (Shows::Hematoxylin, "hematoxylin.png"),
            (Shows::Eosin, "eosin.png"),
            (Shows::Third, "third.png"),
        ];
        let wanted = match self.params.concentrations {
            Concentrations::None => return Ok(Vec::new()),
            Concentrations::Two => 2,
            Concentrations::Three => 3,
        };
        let Some(stains) = &from.stains else { return Ok(Vec::new()) };
        // A third stain changes the amounts of the other two: it is taken in where it is asked for.
        let third = match (self.params.method, self.params.concentrations) {
            (Method::Ruifrok, Concentrations::Three) => Third::Stain(ruifrok::DAB),
            _ => Third::Residual,
        };
        let mut planes = [(); 3].map(|()| vec![0_u16; pixels.len() / 3]);
        Amounts::new(stains, third)?.planes(pixels, planes.each_mut().map(Vec::as_mut_slice))?;
        Ok(names.iter().zip(planes).take(wanted).map(|((s, n), p)| (*s, *n, p)).collect())
    }
}
