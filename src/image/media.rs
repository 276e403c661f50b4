//! What kind of file some bytes are. Names and endings are not looked at: they lie.

/// Number of leading bytes that [`sniff`] wants to see.
pub const SNIFF_BYTES: usize = 132;

/// Media type of a file from its leading bytes, or `None` when no known kind begins so.
///
/// Knows images, slides and what they are often packed in. Whether the file can be read is another
/// question.
pub fn sniff(head: &[u8]) -> Option<&'static str> {
    let begins = |magic: &[u8]| head.starts_with(magic);
    let has = |at: usize, magic: &[u8]| head.get(at..at + magic.len()) == Some(magic);
    let found = if begins(b"\x89PNG\r\n\x1a\n") {
        "image/png"
    } else if begins(b"\xFF\xD8\xFF") {
        "image/jpeg"
    } else if begins(b"II\x2A\0")
        || begins(b"MM\0\x2A")
        || begins(b"II\x2B\0")
        || begins(b"MM\0\x2B")
    {
        "image/tiff"
    } else if begins(b"GIF87a") || begins(b"GIF89a") {
        "image/gif"
    } else if begins(b"RIFF") && has(8, b"WEBP") {
        "image/webp"
    } else if begins(b"BM") && (has(14, &[12, 0, 0, 0]) || is_dib(head)) {
        "image/bmp"
    } else if begins(b"\0\0\0\x0CjP  \r\n\x87\n") {
        "image/jp2"
    } else if begins(b"\xFF\x4F\xFF\x51") {
        "image/x-jp2-codestream"
    } else if begins(b"II\xBC") {
        "image/vnd.ms-photo"
    } else if begins(b"\xFF\x0A") || begins(b"\0\0\0\x0CJXL \r\n\x87\n") {
        "image/jxl"
    } else if has(4, b"ftypavif") || has(4, b"ftypavis") {
        "image/avif"
    } else if has(4, b"ftyphei") || has(4, b"ftyphev") || has(4, b"ftypmif1") {
        "image/heic"
    } else if has(128, b"DICM") {
        "application/dicom"
    } else if begins(b"\x89HDF\r\n\x1a\n") {
        "application/x-hdf5"
    } else if begins(b"PAR1") {
        "application/vnd.apache.parquet"
    } else if begins(b"PK\x03\x04") {
        "application/zip"
    } else if begins(b"%PDF-") {
        "application/pdf"
    } else {
        return None;
    };
    Some(found)
}

/// Windows bitmaps: the size of the header that follows the 14-byte file header.
fn is_dib(head: &[u8]) -> bool {
    matches!(head.get(14..18), Some([40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]))
}

#[cfg(test)]
mod tests {
    use super::sniff;

    #[test]
    fn magic_bytes_tell() {
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\n...."), Some("image/png"));
        assert_eq!(sniff(b"\xFF\xD8\xFF\xE0"), Some("image/jpeg"));
        assert_eq!(sniff(b"II\x2A\0\x08\0\0\0"), Some("image/tiff"));
        assert_eq!(sniff(b"MM\0\x2B\0\x08\0\0"), Some("image/tiff"));
        assert_eq!(sniff(b"RIFF\x10\0\0\0WEBPVP8L"), Some("image/webp"));
        assert_eq!(sniff(b"RIFF\x10\0\0\0WAVEfmt "), None);
        let mut dicom = vec![0; 128];
        dicom.extend(b"DICM");
        assert_eq!(sniff(&dicom), Some("application/dicom"));
    }

    #[test]
    fn text_that_begins_with_bm_is_no_bitmap() {
        assert_eq!(sniff(b"BMW, Volvo, Saab: a list of cars"), None);
        assert_eq!(sniff(b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"), Some("image/bmp"));
    }

    #[test]
    fn short_input_is_nothing() {
        for length in 0..3 {
            assert_eq!(sniff(&b"\xFF\xD8\xFF"[..length]), None);
        }
    }
}
