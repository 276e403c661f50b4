//! What stands still in a series of photos, and what does not.
