//! What a poor codec or a small sensor leaves of an image.
