//! What is known about a picture and must move with it: boxes, keypoints and masks.
//!
//! # Conventions
//! *Boxes* are measured in pixel **edges**: the left edge of an image lies at 0 and its right edge at
//! its width, so `[0, 0, w, h]` (COCO) is the whole image and `[2, 0, 1, 1]` is the one pixel of column 2
//! in row 0. *Keypoints* are measured in pixel **centres**: (0, 0) is the middle of the top left pixel,
//! the image reaches from −0.5 to `width − 0.5` ([`PointOrigin::Edges`] takes those that are measured
//! like boxes). [`crate::pixels`] and [`Motion`] speak of centres; every box goes
//! through the half pixel between the two explicitly. Flipping an image of width `w` takes a keypoint
//! from `x` to `w − 1 − x` and an edge of a box from `x` to `w − x`.
//!
//! # Boxes
//! A box is moved as an **outline**, its four corners or its inscribed ellipse ([`Outline`]). The
//! outline goes through every motion of its image and is cut by every frame on the way; the box is the
//! tight bound of what is left in the end. Bounding once, and not after each op, is why a box that is
//! rotated twice does not grow twice. Straight sides stay straight in flips, turns, crops, pads,
//! affine maps and perspective, where corners say all; before a bent map (elastic, grid) sides are
//! divided into pieces of at most 4 px (64 pieces a side at most).
//!
//! Kept is what has at least `min_visibility` of its area left, measured on the outline and counted
//! over all frames, and whose bound reaches the least width and height. All others are in
//! [`Moved::dropped`] with the reason: never is one lost in silence.
//!
//! The bound of the corners contains the object whatever its shape, and grows with the angle: a square
//! that is rotated by 45° gets a bound of twice its area. The inscribed ellipse is tighter for what is
//! round (most animals, nuclei) and cuts the corners off what fills its box.
//!
//! # Keypoints
//! A point outside of the frame after any op is dropped or flagged invisible ([`OutsidePoints`]). Names
//! stay: a flip does not turn a left eye into a right one. A point with visibility 0 (COCO: not
//! labelled) has no place and is given back as it came.
//!
//! # Masks
//! See [`mask`].

pub mod mask;

mod boxes;
mod carried;
mod motion;
mod outline;
mod points;
mod rows;
mod rules;

pub use boxes::{Bounds, LabelledBox, Rest, read_boxes, write_boxes};
pub use carried::{Arrived, BOXES, COLUMNS, Carried, KEYPOINTS, MASK, Rules};
pub use motion::Motion;
pub use outline::{Moved, Why, move_boxes};
pub use points::{Keypoint, MovedPoints, move_points, read_points, write_points};
pub use rules::{
    BoxFormat, BoxRules, Outline, OutsideBoxes, OutsidePoints, PointOrigin, PointRules,
};

/// Most boxes, or keypoints, that one image may have.
pub const MOST: usize = 100_000;

/// One motion of the image, as the targets see it.
#[derive(Debug, Clone, Copy)]
pub struct Leg<'a> {
    /// How its points move.
    pub motion: &'a Motion,
    /// Width and height of the image after it, px.
    pub after: (u32, u32),
}
