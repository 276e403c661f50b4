//! Noise is distributed as it says. Streams are fixed, so no bound is met by luck.

use microtome::image::Image;
use microtome::pixels::noise;
use microtome::random::Stream;

fn grey(level: u8) -> Image {
    Image::from_u8(512, 512, 1, vec![level; 512 * 512]).unwrap()
}

/// Mean and variance of the samples.
fn moments(image: &Image) -> (f64, f64) {
    let samples = image.as_u8().unwrap();
    let n = samples.len() as f64;
    let mean = samples.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
    let variance = samples.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n;
    (mean, variance)
}

/// Rounding to levels adds 1/12 to the variance. Bounds are four standard errors of 512² samples.
#[test]
fn gaussian_noise_has_the_mean_and_the_spread_asked_for() {
    for (std, mean) in [(10.0, 0.0), (25.0, -12.5), (0.7, 3.25)] {
        let mut stream = Stream::from_key([11; 16]);
        let noisy = noise::gaussian(&grey(128), std, mean, true, &mut stream).unwrap();
        let (found, variance) = moments(&noisy);
        let expected = std * std + 1.0 / 12.0;
        let error = 4.0 * expected.sqrt() / 512.0;
        assert!((found - 128.0 - mean).abs() < error + 0.01, "{std} {mean}: {found}");
        let error = 4.0 * expected * std::f64::consts::SQRT_2 / 512.0;
        assert!((variance - expected).abs() < error + 0.02, "{std} {mean}: {variance}");
    }
}

/// The largest distance between the distribution of 2¹⁸ samples and the normal one, at the edges between
/// levels: 1.63 / √n is passed once in a hundred.
#[test]
fn gaussian_noise_is_normal() {
    let mut stream = Stream::from_key([12; 16]);
    let noisy = noise::gaussian(&grey(128), 20.0, 0.0, true, &mut stream).unwrap();
    let mut counts = [0_u32; 256];
    for &level in noisy.as_u8().unwrap() {
        counts[usize::from(level)] += 1;
    }
    let (mut below, mut largest) = (0.0, 0.0_f64);
    for (level, &count) in counts.iter().enumerate().take(255) {
        below += f64::from(count) / 262_144.0;
        let z = (level as f64 + 0.5 - 128.0) / 20.0;
        let expected = 0.5 * libm::erfc(-z / std::f64::consts::SQRT_2);
        largest = largest.max((below - expected).abs());
    }
    assert!(largest < 1.63 / 512.0, "{largest}");
}

#[test]
fn noise_of_a_pixel_is_shared_by_its_channels_when_asked() {
    let image = Image::from_u8(64, 64, 3, vec![100; 3 * 4096]).unwrap();
    let mut stream = Stream::from_key([13; 16]);
    let shared = noise::gaussian(&image, 10.0, 0.0, false, &mut stream.clone()).unwrap();
    assert!(shared.as_u8().unwrap().chunks(3).all(|p| p[0] == p[1] && p[1] == p[2]));
    assert!(shared.as_u8().unwrap().iter().any(|&level| level != 100));
    let each = noise::gaussian(&image, 10.0, 0.0, true, &mut stream).unwrap();
    assert!(each.as_u8().unwrap().chunks(3).any(|p| p[0] != p[1]));
}

#[test]
fn shot_noise_keeps_the_mean_and_grows_with_the_level() {
    for (level, scale) in [(0_u8, 5.0), (20, 2.0), (100, 4.0), (180, 1.0), (120, 0.05)] {
        let mut stream = Stream::from_key([14; 16]);
        let (mean, variance) = moments(&noise::shot(&grey(level), scale, &mut stream).unwrap());
        let expected = scale * f64::from(level);
        // Photons of less than a level are rounded to levels.
        let rounding = if scale < 1.0 { 1.0 / 12.0 } else { 0.0 };
        assert!((mean - f64::from(level)).abs() <= 4.0 * expected.sqrt() / 512.0, "{mean}");
        let error = 4.0 * (2.0 * expected * expected + scale * scale * expected).sqrt() / 512.0;
        assert!((variance - expected - rounding).abs() <= error + 0.01, "{level}: {variance}");
    }
}

#[test]
fn strengths_out_of_range_are_refused() {
    let (image, mut stream) = (grey(1), Stream::from_key([1; 16]));
    for (std, mean) in [(-1.0, 0.0), (256.0, 0.0), (f64::NAN, 0.0), (1.0, 300.0)] {
        let refused = noise::gaussian(&image, std, mean, true, &mut stream).unwrap_err();
        assert_eq!(refused.kind(), "params");
    }
    assert_eq!(noise::shot(&image, 0.0, &mut stream).unwrap_err().kind(), "params");
    let strength = noise::Iso { colour_shift: 2.0, intensity: 0.0 };
    assert_eq!(noise::iso(&image, strength, &mut stream).unwrap_err().kind(), "params");
}
