//! The only place that writes to stdout and stderr, or ends the process.

use std::io::Write;

use crate::error::Error;

/// Writes a result to stdout. Whoever reads it may have gone (`| head`): that is no error of ours.
pub fn result(text: &str) {
    let mut out = std::io::stdout().lock();
    // There is nobody left to tell.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// A value as pretty JSON on stdout.
pub fn json<T: serde::Serialize>(value: &T) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => result(&format!("{text}\n")),
        Err(e) => line(&format!("error: the result is no JSON: {e}")),
    }
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
