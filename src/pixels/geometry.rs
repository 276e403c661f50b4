//! Flips, quarter turns, crops and frames: pixels move, none is computed.
