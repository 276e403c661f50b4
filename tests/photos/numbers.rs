//! Numbers against the formula of torchvision's Normalize.

use microtome::pixels::numbers::{Data, Layout, Numbers};

use crate::common::{data_or_skip, python_or_skip};
use crate::peer;

#[test]
fn numbers_are_torchvisions_to_a_millionth() {
    let name = "numbers::numbers_are_torchvisions_to_a_millionth";
    let (Some(data), Some(python)) = (data_or_skip(name), python_or_skip(name, &["cv2"])) else {
        return;
    };
    let script = "
mean, std = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
for rgb in photos():
    give(rgb)
    numbers = ((rgb.astype(np.float32) / np.float32(255)) - mean) / std
    give(numbers)
    give(numbers.transpose(2, 0, 1))
";
    let mut given = peer::run(&python, &data.join("generic/photo"), script);
    while let Some(rgb) = given.next() {
        let rgb = rgb.image();
        for layout in [Layout::Hwc, Layout::Chw] {
            let expected = given.next().unwrap().floats();
            let array = Numbers { layout, ..Numbers::IMAGENET }.of(&rgb).unwrap();
            let Data::F32(found) = array.data else { panic!("not floats") };
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() <= 1e-6, "{found} for {expected}");
            }
        }
    }
}
