//! Other sizes of an image.
