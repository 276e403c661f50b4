//! Counts of grey levels, and what is made of them: equalization, CLAHE, stretch, matching.
