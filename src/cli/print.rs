//! The only place that writes to stdout and stderr, or ends the process.

use std::io::{self, ErrorKind, Write};

use crate::error::{Error, Result};

/// Writes a result to stdout. Whoever reads it may have gone (`| head`): that is no error of ours.
///
/// # Errors
/// [`Error::Store`] when it cannot be written, on a full disk for example.
pub fn result(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// What became of writing to stdout.
///
/// # Errors
/// As [`result`].
pub fn written(outcome: io::Result<()>) -> Result<()> {
    match outcome {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(Error::store("standard output", format!("the result could not be written: {e}")))
        }
        _ => Ok(()),
    }
}

/// A value as pretty JSON on stdout.
///
/// # Errors
/// As [`result`]; [`Error::Bug`] when it is no JSON.
pub fn json<T: serde::Serialize>(value: &T) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|e| Error::Bug { message: format!("the result is no JSON: {e}") })?;
    result(&format!("{text}\n"))
}

/// A line on stderr.
pub fn line(text: &str) {
    let mut err = std::io::stderr().lock();
    let _ = writeln!(err, "{text}");
}

/// An error for people: what was found, and what to do.
pub fn error(error: &Error) {
    line(&format!("error: {error}\nremedy: {}", error.remedy()));
}

/// Ends the process now.
pub fn exit(code: i32) -> ! {
    std::process::exit(code)
}
