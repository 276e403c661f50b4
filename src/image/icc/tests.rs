use super::*;

/// A profile of some tags.
fn made(class: &[u8; 4], space: &[u8; 4], pcs: &[u8; 4], tags: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![0; 128];
    bytes[8] = 2;
    bytes[12..16].copy_from_slice(class);
    bytes[16..20].copy_from_slice(space);
    bytes[20..24].copy_from_slice(pcs);
    bytes[36..40].copy_from_slice(b"acsp");
    bytes.extend((tags.len() as u32).to_be_bytes());
    let mut at = 132 + 12 * tags.len();
    for (name, body) in tags {
        bytes.extend(*name);
        bytes.extend((at as u32).to_be_bytes());
        bytes.extend((body.len() as u32).to_be_bytes());
        at += body.len();
    }
    for (_, body) in tags {
        bytes.extend(body);
    }
    bytes
}

fn gamma(eight_eight: u16) -> Vec<u8> {
    [&b"curv\0\0\0\0\0\0\0\x01"[..], &eight_eight.to_be_bytes(), &[0, 0]].concat()
}

fn light(xyz: [f64; 3]) -> Vec<u8> {
    let fixed = xyz.iter().flat_map(|v| ((v * 65_536.0).round() as i32).to_be_bytes());
    b"XYZ \0\0\0\0".iter().copied().chain(fixed).collect()
}

/// Adobe RGB (1998): its lights after adaptation to D50, γ = 563/256.
fn adobe() -> Vec<u8> {
    let lights = [
        (b"rXYZ", [0.60974, 0.31111, 0.01947]),
        (b"gXYZ", [0.20528, 0.62567, 0.06087]),
        (b"bXYZ", [0.14919, 0.06322, 0.74457]),
    ];
    let curves = [b"rTRC", b"gTRC", b"bTRC"].map(|name| (name, gamma(563)));
    let lights = lights.map(|(name, xyz)| (name, light(xyz)));
    made(b"mntr", b"RGB ", b"XYZ ", &[lights, curves].concat())
}

/// A press of 16 table corners: no ink is paper (L* = 96), any ink halves or blackens.
fn press() -> Vec<u8> {
    let mut table = b"mft1\0\0\0\0\x04\x03\x02\0".to_vec();
    let one = 65_536_u32.to_be_bytes();
    for at in 0..9 {
        table.extend(if at % 4 == 0 { one } else { [0; 4] });
    }
    for _ in 0..4 {
        table.extend(0..=255);
    }
    for corner in 0..16_u8 {
        table.extend([245_u8 >> corner.count_ones(), 128, 128]);
    }
    for _ in 0..3 {
        table.extend(0..=255);
    }
    made(b"prtr", b"CMYK", b"Lab ", &[(b"A2B1", table)])
}

fn image(channels: u8, data: &[u8]) -> Image {
    Image::from_u8(data.len() as u32 / u32::from(channels), 1, channels, data.to_vec()).unwrap()
}

#[test]
fn adobe_rgb_by_known_colours() {
    // By the published matrices (for D65, without D50 between): white and black stay; a skin colour is
    // 217.22, 151.42, 119.28; a green that sRGB has not.
    let colours = [255, 255, 255, 0, 0, 0, 200, 150, 120, 0, 255, 0];
    let (out, status) = to_srgb(image(3, &colours), false, &adobe()).unwrap();
    assert_eq!(status, IccStatus::Converted);
    assert_eq!(out.as_u8().unwrap(), [255, 255, 255, 0, 0, 0, 217, 151, 119, 0, 255, 0]);
}

#[test]
fn eight_and_sixteen_bits_agree_and_alpha_stays() {
    let profile = adobe();
    let bytes: Vec<u8> = (0..4 * 4096_u32).map(|i| (i * 7 + i / 5 * 3) as u8).collect();
    let deep = bytes.iter().map(|&v| u16::from(v) * 257).collect();
    let (eight, _) = to_srgb(image(4, &bytes), false, &profile).unwrap();
    let sixteen = Image::new(4096, 1, 4, Samples::U16(deep)).unwrap();
    let Samples::U16(sixteen) = to_srgb(sixteen, false, &profile).unwrap().0.into_samples() else {
        panic!("16 bits stay 16 bits");
    };
    for (at, (&a, &b)) in eight.as_u8().unwrap().iter().zip(&sixteen).enumerate() {
        let exact = f64::from(b) / 257.0;
        assert!((f64::from(a) - exact).abs() < 0.65, "{at}: {a}, {exact}");
        if at % 4 == 3 {
            assert_eq!((a, exact), (bytes[at], f64::from(bytes[at])));
        }
    }
}

/// One number for many colours: another compiler, CPU or library must give the same.
#[test]
fn the_same_bits_everywhere() {
    let colours: Vec<u8> = (0..17 * 17 * 17_u32)
        .flat_map(|n| [n / 289, n / 17 % 17, n % 17])
        .map(|v| (v * 15) as u8)
        .collect();
    let sum = |image: Image| match image.into_samples() {
        Samples::U8(v) => {
            v.iter().fold(7_u64, |n, &v| n.wrapping_mul(0x100_0000_01B3) ^ u64::from(v))
        }
        Samples::U16(v) => {
            v.iter().fold(7_u64, |n, &v| n.wrapping_mul(0x100_0000_01B3) ^ u64::from(v))
        }
        Samples::F32(_) => 0,
    };
    let deep: Vec<u16> = colours.iter().map(|&v| u16::from(v) * 259 / 2).collect();
    let deep = Image::new(17 * 17, 17, 3, Samples::U16(deep)).unwrap();
    let inks = image(4, &colours[..4 * 3_600]);
    let sums = [
        sum(to_srgb(image(3, &colours), false, &adobe()).unwrap().0),
        sum(to_srgb(deep, false, &adobe()).unwrap().0),
        sum(to_srgb(inks, true, &press()).unwrap().0),
    ];
    let expected =
        [17_895_941_572_524_622_440, 13_344_868_557_787_943_905, 11_011_037_887_672_233_488];
    assert_eq!(sums, expected);
}

#[test]
fn greys_by_hand() {
    // γ = 1: linear light. 55 / 255 of the light is 0.5001 in sRGB: byte 128 (127.52).
    let linear = made(b"mntr", b"GRAY", b"XYZ ", &[(b"kTRC", gamma(256))]);
    let (out, status) = to_srgb(image(2, &[0, 9, 55, 8, 255, 7]), false, &linear).unwrap();
    assert_eq!(status, IccStatus::Converted);
    assert_eq!(out.as_u8().unwrap(), [0, 9, 128, 8, 255, 7]);
    // L* / 100: byte 128 is L* = 50.2, Y = 0.1858, in sRGB 119.4.
    let lightness = made(b"mntr", b"GRAY", b"Lab ", &[(b"kTRC", gamma(256))]);
    let (out, _) = to_srgb(image(1, &[0, 128, 255]), false, &lightness).unwrap();
    assert_eq!(out.as_u8().unwrap(), [0, 119, 255]);
    // A profile for RGB serves greys; one for greys does not serve RGB.
    assert_eq!(to_srgb(image(1, &[9, 99]), false, &adobe()).unwrap().1, IccStatus::Converted);
    assert_eq!(to_srgb(image(3, &[9, 99, 9]), false, &linear).unwrap().1, IccStatus::Broken);
}

#[test]
fn a_press_prints_its_black_as_black() {
    // Stored inverted: no ink, all inks.
    let (out, status) =
        to_srgb(image(4, &[255, 255, 255, 255, 0, 0, 0, 0]), true, &press()).unwrap();
    assert_eq!((status, out.channels()), (IccStatus::Converted, 3));
    let out = out.as_u8().unwrap();
    // Paper of L* = 96.08: Y = 0.90197, less the black of L* = 5.88 (Y = 0.00651): 243.60 in sRGB.
    assert_eq!(out, [244, 244, 244, 0, 0, 0]);
    let rgb = to_srgb(image(3, &[1, 2, 3]), false, &press()).unwrap();
    assert_eq!((rgb.1, rgb.0.as_u8()), (IccStatus::Broken, Some(&[1, 2, 3][..])));
}

#[test]
fn damaged_profiles_never_panic() {
    for profile in [adobe(), press()] {
        let inks = profile[16..20] == *b"CMYK";
        let pixel = if inks { image(4, &[9; 4]) } else { image(3, &[9; 3]) };
        for length in 0..profile.len().min(600) {
            let (_, status) = to_srgb(pixel.clone(), inks, &profile[..length]).unwrap();
            assert_eq!(status, IccStatus::Broken, "{length} bytes");
        }
        for at in 0..profile.len().min(700) {
            for byte in [0, 1, 0x7F, 0x80, 0xFF] {
                let mut other = profile.clone();
                other[at] = byte;
                to_srgb(pixel.clone(), inks, &other).unwrap();
            }
        }
    }
}
