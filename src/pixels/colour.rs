//! Colours: grey, hue and saturation, white balance, order of channels.
