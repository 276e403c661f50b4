//! One table look-up per sample: gamma, contrast, posterize and all that follows from a histogram.
