//! The JPEG codec, behind one small module.
