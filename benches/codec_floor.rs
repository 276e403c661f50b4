//! The floor under tiling: decode every whole source tile of a slide's level 0 and encode it again as
//! JPEG q80 4:2:0, one thread, and nothing else — no grid, no mask, no digest, no file written. What
//! `tile` needs beyond this is its own cost.
//!
//! `codec_floor SLIDE`; prints the number of tiles. Run without a slide (as `cargo bench` does), it
//! says how to use it.

use std::process::ExitCode;

use microtome::dataset::Root;
use microtome::image::jpeg;
use microtome::slide::{self, Limits};

fn main() -> ExitCode {
    let Some(path) = std::env::args().skip(1).find(|a| !a.starts_with("--")) else {
        println!("usage: codec_floor SLIDE (benches/tile_vs_peers.sh measures it)");
        return ExitCode::SUCCESS;
    };
    match floor(&path) {
        Ok((tiles, bytes)) => {
            println!("{{\"patches\":{tiles},\"bytes\":{bytes}}}");
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("{path}: {e}");
            ExitCode::FAILURE
        }
    }
}

fn floor(path: &str) -> microtome::Result<(u64, u64)> {
    let path = std::path::absolute(path).map_err(|e| microtome::Error::store(path, e))?;
    let path = path.to_string_lossy();
    let slide = slide::open(Root::open(".")?.source(&path)?, Limits::default())?;
    let level = &slide.geometry().levels[0];
    let (cols, rows) =
        (level.width_px / level.tile_width_px, level.height_px / level.tile_height_px);
    let (mut tiles, mut bytes) = (0, 0);
    for row in 0..rows {
        for col in 0..cols {
            let image = slide.read_tile(0, col, row)?;
            bytes += jpeg::encode(&image, 80, jpeg::Subsampling::S420)?.len() as u64;
            tiles += 1;
        }
    }
    Ok((tiles, bytes))
}
