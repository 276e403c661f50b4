//! Where places of an image go: what a geometric op does to boxes and keypoints.

use std::sync::Arc;

use crate::pixels::warp;

/// A move of places, from the image before an op to the image after. Places are in pixels, and the centre
/// of the pixel in column x, row y is the point (x, y): the frame reaches from −0.5 to side − 0.5.
#[derive(Debug, Clone)]
pub enum Motion {
    /// Flips, turns, crops, pads, sizes and all else that is affine.
    Affine(warp::Affine),
    /// Perspective.
    Homography(warp::Homography),
    /// Bent: pixels of the image after say which place of the image before they show.
    Map(Arc<warp::Map>),
}

impl Motion {
    /// Affine, from its rows.
    pub fn affine(rows: [[f64; 3]; 2]) -> Self {
        Self::Affine(warp::Affine { rows })
    }

    /// Where a place goes. `None` where it goes nowhere: behind the horizon of a perspective, or where no
    /// pixel of a bent image shows it.
    pub fn forward(&self, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
        let place = match self {
            Self::Affine(motion) => Some(motion.apply(x, y)),
            Self::Homography(motion) => motion.apply(x, y),
            Self::Map(map) => map.forward(x, y),
        };
        place.map(Into::into)
    }

    /// Whether straight lines stay straight.
    pub fn is_straight(&self) -> bool {
        !matches!(self, Self::Map(_))
    }
}
