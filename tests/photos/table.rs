//! Tables against Pillow and OpenCV.

use microtome::pixels::table::Table;

use crate::common::{data_or_skip, python_or_skip};
use crate::peer;

#[test]
fn tables_are_those_of_pillow_and_opencv() {
    let name = "table::tables_are_those_of_pillow_and_opencv";
    let (Some(data), Some(python)) = (data_or_skip(name), python_or_skip(name, &["cv2", "PIL"]))
    else {
        return;
    };
    let mut given = peer::run(
        &python,
        &data.join("generic/photo"),
        "
from PIL import Image, ImageOps
for rgb in photos():
    give(rgb)
    image = Image.fromarray(rgb)
    for bits in [1, 3, 7]:
        give(np.asarray(ImageOps.posterize(image, bits)))
    for threshold in [0, 77, 128, 255]:
        give(np.asarray(ImageOps.solarize(image, threshold)))
    x = np.arange(256)
    for g in [0.4, 1.0, 2.2]:
        give(cv2.LUT(rgb, np.floor(255 * (x / 255) ** g + 0.5).astype(np.uint8)))
    for alpha, beta in [(1.3, 20.25), (0.7, -10.1), (-1.0, 255.0)]:
        give(np.clip(np.floor(alpha * rgb.astype(np.float64) + beta + 0.5), 0, 255).astype(np.uint8))
",
    );
    while let Some(photo) = given.next() {
        let photo = photo.image();
        let posterized = [1, 3, 7].map(Table::posterize);
        let solarized = [0, 77, 128, 255].map(Table::solarize);
        let gammas = [0.4, 1.0, 2.2].map(Table::gamma);
        let lines = [(1.3, 20.25), (0.7, -10.1), (-1.0, 255.0)].map(|(a, b)| Table::linear(a, b));
        for table in [&posterized[..], &solarized, &gammas, &lines].concat() {
            let mut changed = photo.clone();
            table.apply(&mut changed).unwrap();
            assert_eq!(changed, given.next().unwrap().image());
        }
    }
}
