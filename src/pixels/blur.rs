//! Sums over neighbours: box, Gaussian, median, motion, defocus, sharpening.
