//! Samples to numbers one by one, interleaved or plane by plane.

/// Writes `of(channel, sample)`, in the order of the samples or in planes. Both are of one length,
/// `channels` is 1 or 3.
#[inline(always)]
pub(super) fn spread<S: Copy, T>(
    samples: &[S],
    out: &mut [T],
    channels: usize,
    planes: bool,
    of: impl Fn(usize, S) -> T,
) {
    if channels == 1 {
        for (out, x) in out.iter_mut().zip(samples) {
            *out = of(0, *x);
        }
    } else if planes {
        let (red, rest) = out.split_at_mut(samples.len() / 3);
        let (green, blue) = rest.split_at_mut(samples.len() / 3);
        let pixels = samples.as_chunks::<3>().0;
        for (((pixel, r), g), b) in pixels.iter().zip(red).zip(green).zip(blue) {
            *r = of(0, pixel[0]);
            *g = of(1, pixel[1]);
            *b = of(2, pixel[2]);
        }
    } else {
        for (out, pixel) in out.as_chunks_mut::<3>().0.iter_mut().zip(samples.as_chunks::<3>().0) {
            *out = [of(0, pixel[0]), of(1, pixel[1]), of(2, pixel[2])];
        }
    }
}
