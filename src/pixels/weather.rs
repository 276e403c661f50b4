//! Fog, rain, shadow and sun flare.
