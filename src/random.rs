//! Random numbers that depend on what is drawn for, never on order: a counter-based generator.
