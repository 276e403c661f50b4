//! Exit codes: what a shell, a Job's failure policy or a person can act on.
//!
//! | code | means | again? |
//! |---|---|---|
//! | 0 | all done, but for failures that `--max-failures` tolerates | |
//! | 1 | some units failed of themselves; `failures.jsonl` lists them | no use |
//! | 2 | nothing was done: params, flags, pipeline file, a column that is missing | no use |
//! | 3 | nothing was done: a file is broken, not supported, or larger than a limit | no use |
//! | 4 | storage failed: all of it, or for some units | may help |
//! | 5 | ours: not deterministic, or a bug | no use |
//! | 130, 143 | SIGINT, SIGTERM | goes on |

use crate::engine::{Knobs, Summary};
use crate::error::Error;

/// Some units failed, and are listed.
pub const SOME_FAILED: u8 = 1;
/// The caller must act.
pub const USAGE: u8 = 2;
/// The data cannot be used as it is.
pub const DATA: u8 = 3;
/// The outside world failed: trying again may help.
pub const WORLD: u8 = 4;
/// A fault of ours.
pub const OURS: u8 = 5;

/// The code of what kept a run from being done.
pub fn code(error: &Error) -> u8 {
    match error {
        Error::Params { .. } | Error::Schema { .. } => USAGE,
        Error::Format { .. } | Error::Unsupported { .. } | Error::Limit { .. } => DATA,
        // Without a signal nobody asked a run to stop.
        Error::Store { .. } | Error::Stopped => WORLD,
        Error::NotDeterministic { .. } | Error::Bug { .. } => OURS,
    }
}

/// The code as a word, for logs.
pub fn class(code: u8) -> &'static str {
    match code {
        SOME_FAILED => "units",
        USAGE => "usage",
        DATA => "data",
        WORLD => "storage",
        OURS => "fault",
        // A signal's, as shells count: 128 and its number.
        _ => "stopped",
    }
}

/// The code of a run that came to its end.
pub fn code_of(summary: &Summary, knobs: &Knobs) -> u8 {
    if knobs.max_failures.tolerates(summary.failures, summary.inputs()) {
        0
    } else if summary.store_failures > 0 {
        WORLD
    } else {
        SOME_FAILED
    }
}
