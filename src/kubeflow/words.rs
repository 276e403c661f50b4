//! Last words: why a container ended, where Kubernetes looks for it.
//!
//! Under Kubeflow's launcher every exit code becomes 1, so that the reason is told in words: in the log, and in the file that Kubernetes
//! shows as the container's termination message.

use crate::dataset::write_over;
use crate::error::Error;
use crate::summary::Failure;

/// Where Kubernetes reads them.
pub const TERMINATION_LOG: &str = "/dev/termination-log";
/// Kubernetes reads no more bytes.
const MOST_BYTES: usize = 4096;

/// Of a run that was kept from being done; `class` says who must act, as the exit code does.
pub fn of_error(what: &str, class: &str, error: &Error) -> String {
    cut(format!("{what}: {class} ({})\n{error}\nremedy: {}\n", error.kind(), error.remedy()))
}

/// Of a run in which more units failed than is tolerated.
pub fn of_failures(
    what: &str,
    class: &str,
    inputs: u64,
    failed: u64,
    listed: &[Failure],
) -> String {
    let mut text = format!("{what}: {class}: {failed} of {inputs} inputs failed\n");
    for failure in listed {
        text.push_str(&format!(
            "{} ({}): {}\nremedy: {}\n",
            failure.id, failure.kind, failure.message, failure.remedy
        ));
        if text.len() > MOST_BYTES {
            break;
        }
    }
    cut(text)
}

fn cut(mut text: String) -> String {
    if text.len() > MOST_BYTES {
        let mut end = MOST_BYTES - '…'.len_utf8();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Writes them, where there is a file for them. Outside of Kubernetes there is none; and whoever cannot say why it ends, ends.
pub fn write(place: &str, text: &str) {
    let _ = write_over(place, text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words_have_room_and_end_with_a_whole_character() {
        let error = Error::params("mpp", "ä".repeat(4000));
        for shift in 0..4 {
            let what = "x".repeat(shift);
            let text = of_error(&what, "usage", &error);
            assert!((MOST_BYTES - 4..=MOST_BYTES).contains(&text.len()), "{}", text.len());
            assert!(text.ends_with('…'));
        }
        let failure = Failure::new("slide.svs", "tile", &Error::format("TIFF", "it ends"));
        let text = of_failures("tile", "data", 3, 1, std::slice::from_ref(&failure));
        assert!(
            text.contains("1 of 3 inputs failed")
                && text.contains("slide.svs (format): TIFF: it ends"),
            "{text}"
        );
        assert!(of_failures("tile", "data", 900, 900, &vec![failure; 900]).len() <= MOST_BYTES);
    }
}
