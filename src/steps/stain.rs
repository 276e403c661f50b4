//! What `fit-stain` and `stain-normalize` share.

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::image::{Image, check_size, media, photo};
use crate::slide::{Limits, region};
use crate::stain::several::{Several, fit_several};
use crate::stain::{
    FitOptions, Fitted, Method, Over, Pool, Profile, Stains, WhitePoint, fit, macenko, ruifrok,
};
use crate::step::Source;

/// Decodes an item to 8-bit RGB. Nothing is guessed: grey, deep and half-transparent images are
/// refused.
///
/// # Errors
/// As the codecs; [`Error::Unsupported`] for what is no 8-bit colour image.
pub fn rgb(source: &Source) -> Result<Image> {
    let bytes = source.bytes();
    let head = bytes.read_vec(0, bytes.size().min(media::SNIFF_BYTES as u64))?;
    let limits = source.limits();
    let image = if media::sniff(&head) == Some("image/tiff") {
        level_0(source)?
    } else {
        photo::decode(&bytes.read_vec(0, bytes.size())?, limits.decoded_bytes)?
    };
    colours(image)
}

/// The same from bytes in memory.
///
/// # Errors
/// As [`rgb`].
pub fn rgb_of(bytes: Vec<u8>) -> Result<Image> {
    rgb(&Source::from_bytes(bytes))
}

fn level_0(source: &Source) -> Result<Image> {
    let slide = source.slide()?;
    let geometry = slide.geometry();
    let level = geometry
        .levels
        .first()
        .ok_or_else(|| Error::format("TIFF", "it has no picture that can be read"))?;
    let Limits { decoded_bytes, .. } = source.limits();
    check_size(level.width_px, level.height_px, 4, decoded_bytes)?;
    let whole = (0, 0, level.width_px, level.height_px);
    Ok(region::read_region(&*slide, 0, whole.0, whole.1, whole.2, whole.3, 255)?.image)
}

fn colours(image: Image) -> Result<Image> {
    let wrong = |what: &str, instead: &str| Err(Error::unsupported(what, instead));
    if image.channels() < 3 {
        return wrong("a grey image for stains", "stains are colours: leave it out");
    }
    let Some(samples) = image.as_u8() else {
        return wrong(
            "an image of more than 8 bits for stains",
            "convert it to 8 bits per channel",
        );
    };
    match image.channels() {
        3 => Ok(image),
        4 if samples.as_chunks::<4>().0.iter().all(|p| p[3] == 255) => {
            let rgb = samples.as_chunks::<4>().0.iter().flat_map(|p| [p[0], p[1], p[2]]).collect();
            Image::from_u8(image.width_px(), image.height_px(), 3, rgb)
        }
        _ => wrong("a half-transparent image for stains", "lay it over its background first"),
    }
}

/// The built-in profile of a method: source of last resort, and the target where none is given.
/// `None` for the Reinhard methods, which have none.
pub fn reference(method: Method) -> Option<Profile> {
    let macenko = macenko::reference();
    let of = |change: &dyn Fn(&mut Stains)| {
        let mut profile = Profile { method, ..macenko.clone() };
        if let Some(stains) = &mut profile.stains {
            change(stains);
            profile.angle_deg = Some(stains.angle_deg());
        }
        Some(profile)
    };
    let scale = crate::stain::OdScale::staintools();
    match method {
        Method::Macenko => Some(macenko),
        Method::Vahadane => of(&|stains| {
            stains.scale = scale;
            stains.lambda = Some(FitOptions::default().concentration_lambda);
        }),
        Method::Ruifrok => of(&|stains| {
            stains.scale = scale;
            stains.matrix = ruifrok::MATRIX;
        }),
        Method::Reinhard | Method::ReinhardModified => None,
    }
}

/// The pixels of an image that a fit with these options looks at.
pub fn pool_of(image: &Image, options: &FitOptions) -> Pool {
    let rgb = image.as_u8().unwrap_or_default();
    match options.over {
        Over::All => Pool::of_rgb(rgb),
        Over::Tissue => Pool::of_tissue(rgb, light(options)),
    }
}

/// The brightest samples that tissue can have. An estimated white point is not known yet: then what
/// the brightest possible one would call tissue, of which the fit takes what its own does.
pub fn light(options: &FitOptions) -> [Option<u8>; 3] {
    let io = match options.white {
        WhitePoint::Given(io) => io,
        WhitePoint::Estimated => [255.0; 3],
    };
    let scale = match options.method {
        Method::Vahadane | Method::Ruifrok => crate::stain::OdScale::staintools(),
        _ => crate::stain::OdScale::torchstain(io),
    };
    scale.darkest_light(options.beta)
}

/// A profile from the files that a param names: one profile in JSON, or one or more images, which are
/// fitted with the other params of the step.
///
/// # Errors
/// [`Error::Params`] when a profile is unusable, an image has no stains to fit, or there is nothing;
/// as the codecs.
pub fn profile_from(
    param: &str,
    files: &[(String, Vec<u8>)],
    options: &FitOptions,
    several: Several,
) -> Result<Value> {
    let is_json = |bytes: &[u8]| bytes.trim_ascii_start().starts_with(b"{");
    let neither = |bytes: &[u8]| !is_json(bytes) && media::sniff(bytes).is_none();
    if let Some((name, _)) = files.iter().find(|(_, bytes)| neither(bytes)) {
        let message = format!("{name} is neither a stain profile (a JSON object) nor an image");
        return Err(Error::params(param, message));
    }
    if let [(name, bytes)] = files
        && is_json(bytes)
    {
        let profile: Profile = serde_json::from_slice(bytes)
            .map_err(|e| Error::params(param, format!("{name} is no stain profile: {e}")))?;
        profile.check().map_err(|e| Error::params(param, format!("{name}: {e}")))?;
        return as_value(&profile);
    }
    let mut pools = Vec::with_capacity(files.len());
    for (name, bytes) in files {
        if is_json(bytes) {
            let message = format!("{name} is a profile: give one profile, or one or more images");
            return Err(Error::params(param, message));
        }
        let image =
            rgb_of(bytes.clone()).map_err(|e| Error::params(param, format!("{name}: {e}")))?;
        pools.push(pool_of(&image, options));
    }
    let Fitted { profile, status, .. } = match pools.as_slice() {
        [] => return Err(Error::params(param, "it names no file")),
        [pool] => fit(pool, options),
        pools => fit_several(pools, several, options),
    };
    // Of several, the one that cannot be fitted alone is named, if it is one.
    let names = || {
        let bad = |(_, pool): &(_, &Pool)| pools.len() > 1 && fit(pool, options).profile.is_none();
        let one = files.iter().zip(&pools).find(bad).map(|((name, _), _)| name.clone());
        let all = || files.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
        one.unwrap_or_else(all)
    };
    let profile =
        profile.ok_or_else(|| Error::params(param, format!("{}: {}", names(), status.words())))?;
    as_value(&profile)
}

fn as_value(profile: &Profile) -> Result<Value> {
    serde_json::to_value(profile).map_err(|e| Error::Bug { message: e.to_string() })
}

/// The params of a step without those that files fill in: what a fit of these files is asked for.
pub fn without(given: &Map<String, Value>, params: &[&str]) -> Value {
    let rest = given.iter().filter(|(name, _)| !params.contains(&name.as_str()));
    Value::Object(rest.map(|(name, value)| (name.clone(), value.clone())).collect())
}
