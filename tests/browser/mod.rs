//! A real browser: `$MICROTOME_CHROMIUM`, or `chromium` in the path.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The browser, or the report that `test` is skipped.
pub fn or_skip(test: &str) -> Option<PathBuf> {
    let asked = std::env::var_os("MICROTOME_CHROMIUM").unwrap_or_else(|| "chromium".into());
    match Command::new(&asked).arg("--version").output() {
        Ok(output) if output.status.success() => Some(PathBuf::from(asked)),
        _ => {
            super::common::skip(test, "no chromium (Debian: apt-get install chromium)");
            None
        }
    }
}

/// Opens a file with some flags; gives what it prints. Every call has a profile of its own.
pub fn open(browser: &Path, file: &Path, flags: &[&str]) -> String {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--allow-file-access-from-files",
            "--virtual-time-budget=10000",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(flags)
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
