//! What a camera wrote about a photo: time, maker, body, orientation.
//!
//! EXIF is often damaged, by cameras and by tools. That never makes the photo unreadable: what can be
//! read is read, the rest is absent.

use exif::{In, Reader, Tag, Value};

/// The EXIF fields that a data set of photos is grouped and ordered by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exif {
    /// When the picture was taken (DateTimeOriginal), in the camera's own time: `YYYY-MM-DDTHH:MM:SS`.
    pub time: Option<String>,
    /// Maker of the camera.
    pub make: Option<String>,
    /// Model of the camera.
    pub model: Option<String>,
    /// Serial number of the body.
    pub serial: Option<String>,
    /// How the stored picture is to be turned, 1–8; 1 is upright.
    pub orientation: Option<u8>,
}

/// Reads the EXIF block of a JPEG, PNG, WebP, HEIF or TIFF. The beginning of a file is enough for a
/// JPEG: its EXIF stands within the first segments.
pub fn read(bytes: &[u8]) -> Exif {
    let mut reader = Reader::new();
    reader.continue_on_error(true);
    let found = reader
        .read_from_container(&mut std::io::Cursor::new(bytes))
        .or_else(|error| error.distill_partial_result(|_| ()));
    let Ok(found) = found else {
        return Exif::default();
    };
    let value = |tag| found.get_field(tag, In::PRIMARY).map(|field| &field.value);
    let orientation = value(Tag::Orientation)
        // Some programs write it as a signed number.
        .and_then(|v| match v {
            Value::SLong(signed) => signed.first().and_then(|&n| u32::try_from(n).ok()),
            other => other.get_uint(0),
        })
        .filter(|o| (1..=8).contains(o))
        .map(|o| o as u8);
    Exif {
        time: value(Tag::DateTimeOriginal).and_then(ascii).and_then(|t| iso_time(&t)),
        make: value(Tag::Make).and_then(ascii),
        model: value(Tag::Model).and_then(ascii),
        serial: value(Tag::BodySerialNumber).and_then(ascii),
        orientation,
    }
}

/// The text of an ASCII field, without the blanks and zeros that pad it; `None` when nothing is left.
fn ascii(value: &Value) -> Option<String> {
    let Value::Ascii(parts) = value else {
        return None;
    };
    let first = parts.first()?;
    let text = String::from_utf8_lossy(first);
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!text.is_empty() && !text.contains('\u{FFFD}')).then(|| text.to_owned())
}

/// `2016:05:04 03:02:01` as `2016-05-04T03:02:01`. Clocks that were never set say `0000:00:00` or
/// blanks: that is no time. What follows (fractions, a zone) is let pass.
pub fn iso_time(text: &str) -> Option<String> {
    let bytes = text.as_bytes().get(..19)?;
    let shape = b"dddd:dd:dd dd:dd:dd";
    let fits = bytes.iter().zip(shape).all(|(&b, &s)| match s {
        b'd' => b.is_ascii_digit(),
        // Some makers write the date with dashes or slashes, or a `T` between date and time.
        b':' => matches!(b, b':' | b'-' | b'/'),
        _ => matches!(b, b' ' | b'T'),
    });
    if !fits {
        return None;
    }
    let number = |at: usize| bytes[at..at + 2].iter().fold(0, |n, b| n * 10 + u32::from(b - b'0'));
    let (month, day, hour, minute, second) =
        (number(5), number(8), number(11), number(14), number(17));
    let leap = {
        let year = number(0) * 100 + number(2);
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    };
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let part = |from: usize, to: usize| String::from_utf8_lossy(&bytes[from..to]).into_owned();
    Some(format!(
        "{}-{}-{}T{}:{}:{}",
        part(0, 4),
        part(5, 7),
        part(8, 10),
        part(11, 13),
        part(14, 16),
        part(17, 19)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_become_iso() {
        assert_eq!(iso_time("2016:05:04 03:02:01").as_deref(), Some("2016-05-04T03:02:01"));
        assert_eq!(iso_time("2016-05-04T03:02:01").as_deref(), Some("2016-05-04T03:02:01"));
        assert_eq!(iso_time("2016:02:29 00:00:00").as_deref(), Some("2016-02-29T00:00:00"));
        for unset in
            ["0000:00:00 00:00:00", "    :  :     :  :  ", "2015:02:29 00:00:00", "2016", ""]
        {
            assert_eq!(iso_time(unset), None, "{unset:?}");
        }
    }

    #[test]
    fn the_first_directory_of_a_tiff_is_read() {
        // One big-endian directory: Make = "Cam", Orientation = 6.
        let mut tiff = b"MM\0\x2A\0\0\0\x08\0\x02".to_vec();
        tiff.extend([0x01, 0x0F, 0, 2, 0, 0, 0, 4, b'C', b'a', b'm', 0]);
        tiff.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0]);
        tiff.extend([0, 0, 0, 0]);
        let exif = read(&tiff);
        assert_eq!(exif.make.as_deref(), Some("Cam"));
        assert_eq!(exif.orientation, Some(6));
        assert_eq!(exif.time, None);
    }

    #[test]
    fn rubbish_is_no_exif() {
        for bytes in [&b""[..], b"\xFF\xD8\xFF\xE1\0\x10Exif\0\0MM", b"II\x2A\0\xFF\xFF\xFF\xFF"] {
            assert_eq!(read(bytes), Exif::default());
        }
    }
}
