//! Stains: what a slide was dyed with, estimated, and brought to those of another.
//!
//! Everything here is a pure function of pixels and numbers. A fit sees a *multiset* of colours
//! ([`Pool`]): it does not depend on the order of pixels, and pools of parts add up to the pool of the
//! whole, count by count. What a fit gives is a [`Profile`]; a [`Normalizer`] is made from the
//! profiles of a source and of a target and changes pixels.
//!
//! Definitions differ between implementations by tens of grey levels. Ours are named after the one
//! that they equal: see [`OdScale`], [`macenko`], [`vahadane`], [`reinhard`], [`ruifrok`].

pub mod amounts;
pub mod brightness;
pub mod concentration;
pub mod eigen;
mod factors;
mod fast;
mod fit;
mod gates;
pub mod hed;
pub mod lab;
pub mod macenko;
mod moments;
mod nonneg;
mod normalizer;
mod od;
pub mod percentile;
mod pool;
mod profile;
pub mod reinhard;
pub mod ruifrok;
mod sample;
mod scatter;
pub mod several;
pub mod vahadane;
mod vectors;

pub use factors::Factors;
pub use fast::FastFit;
pub use fit::{FitOptions, Fitted, Measured, WhitePoint, fit, fit_rgb, white_point};
pub use gates::{Gates, Status};
pub use normalizer::{ApplyOptions, Cast, Normalizer};
pub use od::OdScale;
pub use pool::Pool;
pub use profile::{Method, Moments, Over, Profile, Stains, angle_deg};
pub use sample::Sample;
