//! `fit-stain`: stain profiles of slides. The page for users is [`Params`].

mod params;
mod plane;
mod pooling;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

pub use params::{Params, Per, White};

use super::stain::{profile_from, reference, rgb, without};
use crate::digest::canonical_json;
use crate::error::Result;
use crate::manifest::Column;
use crate::stain::{Fitted, Measured, Method, Pool, Profile, Status, fit};
use crate::step::{Group, Grouping, Made, Member, Of, Out, Step, params_from};
use pooling::{Pooled, pool_left, pool_members};

/// What `fit-stain` says of every item of a slide.
#[derive(Serialize, JsonSchema, Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// How the fit fared at the gates: ok, or what it failed; null with `per: cohort` until all slides
    /// are put together.
    pub status: Option<Status>,
    /// The profile of the item's image, slide or cohort as JSON; null unless the status is ok.
    pub profile: Option<String>,
    /// The profile of the cohort as JSON, for items whose own fit failed a gate, with
    /// `cohort_fallback`.
    pub cohort: Option<String>,
    /// The profile to aim at as JSON; null where none was given and the method has no reference.
    pub target: Option<String>,
    /// Digest of the sampled colours that were fitted; null where no profile came of it.
    pub fitted_on: Option<String>,
    /// Images of the slide that were looked at.
    pub images: Option<u64>,
    /// Images of the slide that could not be decoded, and were left out of the fit.
    pub unreadable: Option<u64>,
    /// Pixels of all of them.
    pub pixels: Option<u64>,
    /// Tissue pixels among them.
    pub tissue_px: Option<u64>,
    /// Tissue pixels that were sampled and fitted.
    pub sampled_px: Option<u64>,
    /// Hematoxylin: density in red, of the unit vector.
    pub h_r: Option<f64>,
    /// Hematoxylin: density in green.
    pub h_g: Option<f64>,
    /// Hematoxylin: density in blue.
    pub h_b: Option<f64>,
    /// Eosin: density in red.
    pub e_r: Option<f64>,
    /// Eosin: density in green.
    pub e_g: Option<f64>,
    /// Eosin: density in blue.
    pub e_b: Option<f64>,
    /// Maximum concentration of hematoxylin.
    pub max_h: Option<f64>,
    /// Maximum concentration of eosin.
    pub max_e: Option<f64>,
    /// Angle between the two stains in degrees, whether or not it passed the gate.
    pub angle_deg: Option<f64>,
    /// Angle of hematoxylin to the reference in degrees.
    pub h_reference_deg: Option<f64>,
    /// Angle of eosin to the reference in degrees.
    pub e_reference_deg: Option<f64>,
}

/// The step.
pub struct FitStain {
    params: Params,
    target: Option<String>,
}

impl Step for FitStain {
    const NAME: &'static str = "fit-stain";
    const VERSION: &'static str = "1.0.0";
    type Params = Params;
    type Input = Group;
    type Facts = Facts;
    const READS: &'static [Column] = &[];

    fn new(params: Params) -> Result<Self> {
        params.check()?;
        let target = params.target.clone().or_else(|| reference(params.method));
        let target = target.as_ref().map(canonical_json).transpose()?;
        Ok(Self { params, target })
    }

    fn grouping(&self) -> Grouping {
        match self.params.per {
            Per::Image => Grouping::Item,
            Per::Slide | Per::Cohort => Grouping::Slide,
        }
    }

    fn joins(&self) -> bool {
        self.params.per == Per::Cohort || self.params.cohort_fallback
    }

    fn inline(
        param: &str,
        files: &[(String, Vec<u8>)],
        given: &Map<String, Value>,
    ) -> Result<Value> {
        let params: Params = params_from(without(given, &["target"]))?;
        profile_from(param, files, &params.options(), params.several)
    }

    fn run(&self, group: Group, out: &mut Out<'_, Facts>) -> Result<()> {
        if group.of == Of::Left {
            return self.cohort(&group.members, out);
        }
        match (self.params.per, group.members.as_slice()) {
            (Per::Image, [member]) => self.image(member, out),
            (_, members) => self.slide(members, out),
        }
    }
}

impl FitStain {
    fn image(&self, member: &Member, out: &mut Out<'_, Facts>) -> Result<()> {
        let image = rgb(&member.source()?)?;
        let bytes = image.as_u8().unwrap_or_default();
        let options = self.params.options();
        let pool = pooling::of_image(bytes, &options);
        let fitted = fit(&pool.pool, &options);
        self.tell(&pool, fitted, out)
    }

    fn slide(&self, members: &[Member], out: &mut Out<'_, Facts>) -> Result<()> {
        let pooled = pool_members(members, &self.params, out)?;
        if self.params.per == Per::Cohort {
            leave(&pooled.pool, out)?;
            return out.keep(&Facts { target: self.target.clone(), ..pooled.facts() }, true);
        }
        let fitted = fit(&pooled.pool, &self.params.options());
        self.tell(&pooled, fitted, out)
    }

    /// Says what came of a fit of an image or slide.
    fn tell(&self, pooled: &Pooled, fitted: Fitted, out: &mut Out<'_, Facts>) -> Result<()> {
        let joins = self.params.cohort_fallback && fitted.profile.is_none();
        if self.params.cohort_fallback {
            leave(&pooled.pool, out)?;
        }
        self.pictures(&pooled.pool, &fitted, out)?;
        let facts = Facts { target: self.target.clone(), ..pooled.facts() };
        out.keep(&with_fit(facts, &fitted)?, joins)
    }

    /// Fits what all slides left: the facts that are said here stand over those of the slides.
    fn cohort(&self, left: &[Member], out: &mut Out<'_, Facts>) -> Result<()> {
        let pool = pool_left(left, out)?;
        let fitted = fit(&pool, &self.params.options());
        self.pictures(&pool, &fitted, out)?;
        let whole = with_fit(Facts::default(), &fitted)?;
        let facts = match self.params.per {
            Per::Cohort => whole,
            _ => Facts { cohort: whole.profile, ..Facts::default() },
        };
        out.keep(&facts, false)
    }

    fn pictures(&self, pool: &Pool, fitted: &Fitted, out: &mut Out<'_, Facts>) -> Result<()> {
        if let Some(profile) = &fitted.profile {
            let text = serde_json::to_vec_pretty(profile)
                .map_err(|e| crate::Error::Bug { message: e.to_string() })?;
            out.preview(Made::new("profile.json".into(), text, "application/json", (0, 0), &())?)?;
        }
        if matches!(self.params.method, Method::Macenko | Method::Vahadane | Method::Ruifrok) {
            let svg = plane::draw(pool, fitted, &self.params.options()).into_bytes();
            out.preview(Made::new("od-plane.svg".into(), svg, "image/svg+xml", (0, 0), &())?)?;
        }
        Ok(())
    }
}

fn leave(pool: &Pool, out: &mut Out<'_, Facts>) -> Result<()> {
    let bytes = pool.to_bytes();
    out.leave(Made::new("pool.bin".into(), bytes, "application/octet-stream", (0, 0), &())?)
}

fn with_fit(facts: Facts, fitted: &Fitted) -> Result<Facts> {
    let Fitted { profile, status, measured } = fitted;
    let Measured { angle_deg, reference_angles_deg, .. } = measured;
    let stains = profile.as_ref().and_then(|profile: &Profile| profile.stains);
    let vector = |stain: usize, channel: usize| stains.map(|s| s.matrix[stain][channel]);
    Ok(Facts {
        status: Some(*status),
        profile: profile.as_ref().map(canonical_json).transpose()?,
        fitted_on: profile.as_ref().and_then(|p| p.fitted_on.clone()),
        h_r: vector(0, 0),
        h_g: vector(0, 1),
        h_b: vector(0, 2),
        e_r: vector(1, 0),
        e_g: vector(1, 1),
        e_b: vector(1, 2),
        max_h: stains.map(|s| s.max_concentrations[0]),
        max_e: stains.map(|s| s.max_concentrations[1]),
        angle_deg: *angle_deg,
        h_reference_deg: reference_angles_deg.map(|a| a[0]),
        e_reference_deg: reference_angles_deg.map(|a| a[1]),
        ..facts
    })
}
