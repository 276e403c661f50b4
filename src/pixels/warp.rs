//! Pixels read between pixels: affine, perspective and free maps.
