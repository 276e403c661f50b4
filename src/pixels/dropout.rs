//! Rectangles that are blotted out.
