//! What the quick way rests on.

use proptest::prelude::*;

use super::super::gates::Gates;
use super::super::macenko::REFERENCE;
use super::*;

/// Two stains in amounts that go on and on without a pattern.
fn tissue(pixels: usize) -> Vec<u8> {
    let mut state = 7_u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 40) as f64 / (1 << 24) as f64
    };
    let pixel = |_| {
        let (h, e) = (random() * 1.8, random() * 1.2);
        [0, 1, 2].map(|c| {
            (240.0 * libm::exp(-h * REFERENCE[0][c] - e * REFERENCE[1][c]) + random() * 5.0) as u8
        })
    };
    (0..pixels).flat_map(pixel).collect()
}

fn fitted(rgb: &[u8], options: &FitOptions) -> (Option<[[f64; 3]; 2]>, bool) {
    let scaled = Scaled::new([240.0; 3], options.beta);
    let mut memory = Memory::default();
    let mut image = Bytes {
        rgb,
        pixels: rgb.as_chunks::<3>().0,
        options,
        scaled: &scaled,
        memory: &mut memory,
        tissue: 0,
        pool: None,
    };
    let stains = macenko::fit_stains(&mut image, options, &mut Measured::default());
    (stains.ok().map(|stains| stains.matrix), image.pool.is_none())
}

#[test]
fn tissue_takes_the_quick_way_and_what_cannot_does_not() {
    let options = FitOptions::default();
    for pixels in [1 << 12, 1 << 16, 300_007] {
        let rgb = tissue(pixels);
        let (stains, quick) = fitted(&rgb, &options);
        assert!(stains.is_some() && quick, "{pixels}");
        let over = FitOptions { over: Over::Tissue, ..options.clone() };
        assert!(fitted(&rgb, &over).1);
    }
    // What a sample at every 33rd pixel never sees: all that has any eosin.
    let hidden: Vec<u8> = tissue(1 << 16)
        .as_chunks::<3>()
        .0
        .iter()
        .enumerate()
        .flat_map(|(n, pixel)| if n % 33 == 0 { [90, 70, 130] } else { *pixel })
        .collect();
    let open = FitOptions {
        gates: Gates { max_reference_angle_deg: 180.0, ..options.gates },
        ..options.clone()
    };
    let (stains, quick) = fitted(&hidden, &open);
    assert!(!quick);
    let exact = fit(&Pool::of_rgb(&hidden), &open).profile.and_then(|profile| profile.stains);
    assert_eq!(stains, exact.map(|stains| stains.matrix));
    assert!(stains.is_some());
}

proptest! {
    /// Nobody beyond a bound is left out, however near to it; nobody is picked that is no tissue.
    #[test]
    fn all_beyond_a_bound_are_picked(
        forms in prop::array::uniform3(prop::array::uniform2(-3.0..3.0_f64)),
        pixels in prop::collection::vec(prop::array::uniform3(0_u8..=255), 100..3000),
        nearest in any::<prop::sample::Index>(),
        only_tissue in any::<bool>(),
    ) {
        let (options, scaled) = (FitOptions::default(), Scaled::new([240.0; 3], 0.15));
        let value = |pixel: &[u8; 3], half: usize| {
            let od = scaled.od(pixel);
            forms[0][half] * od[0] + forms[1][half] * od[1] + forms[2][half] * od[2]
        };
        // Bounds just above a pixel, and above a tenth of all at most.
        let constants = [0, 1].map(|half| {
            let mut values: Vec<f64> = pixels.iter().map(|pixel| value(pixel, half)).collect();
            values.sort_unstable_by(f64::total_cmp);
            -values[nearest.index(values.len() / 10 + 1)] - 1e-12
        });
        let beyond = |pixel: &[u8; 3], slack: f64| {
            (0..2).any(|half| constants[half] + value(pixel, half) < slack)
        };
        let mut memory = Memory::default();
        let mut image = Bytes {
            rgb: pixels.as_flattened(),
            pixels: &pixels,
            options: &options,
            scaled: &scaled,
            memory: &mut memory,
            tissue: 0,
            pool: None,
        };
        // More than a quarter (of few): not worth while.
        prop_assume!(image.pick(&forms, constants, only_tissue).is_some());
        let wanted = |pixel: &[u8; 3]| !only_tissue || scaled.is_tissue(pixel);
        let sound = memory.picked.iter().all(|pixel| wanted(pixel) && beyond(pixel, 1e-4));
        prop_assert!(sound, "picked what is far from any bound, or no tissue");
        let expected: Vec<_> = pixels.iter().filter(|p| wanted(p) && beyond(p, 0.0)).collect();
        let picked: Vec<_> = memory.picked.iter().filter(|p| beyond(p, 0.0)).collect();
        prop_assert_eq!(picked, expected);
    }
}
