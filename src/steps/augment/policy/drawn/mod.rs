//! What each op draws: each range becomes one number, in the order of the fields.

mod geometry;
mod pixels;
