//! Samples as numbers: scaled, centred, laid out by channel or by pixel.
