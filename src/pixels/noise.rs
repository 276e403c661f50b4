//! Noise of sensors.
