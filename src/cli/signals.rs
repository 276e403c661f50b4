//! SIGTERM and SIGINT: the first asks the run to stop, the second ends it at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::error::{Error, Result};

/// How long a run may take to finish what is being committed. A dataset is sound whenever a run
/// ends, so ending it then loses only what the next run makes again.
const PATIENCE: Duration = Duration::from_millis(1600);

/// What is said when a signal ended a run.
pub const STOPPED: &str = "stopped; run the same command again, it goes on";

/// The exit code of a signal, as shells have it: 128 and its number.
fn code(signal: i32) -> i32 {
    128 + signal
}

/// Which signal came, if any.
pub struct Signals {
    came: Arc<AtomicUsize>,
}

impl Signals {
    /// From now on a signal sets `stop`; a second one, or the end of [`PATIENCE`], ends the process.
    /// Before the latter `farewell` is done: it clears what is drawn on the terminal.
    ///
    /// # Errors
    /// [`Error::Store`] when the system takes no signal handlers.
    pub fn watch(stop: Arc<AtomicBool>, farewell: impl FnOnce() + Send + 'static) -> Result<Self> {
        let failed = |e: std::io::Error| Error::store("signals", e);
        let came = Arc::new(AtomicUsize::new(0));
        for signal in [SIGTERM, SIGINT] {
            // In this order: the shutdown looks at a flag that is set only behind it.
            signal_hook::flag::register_conditional_shutdown(signal, code(signal), stop.clone())
                .map_err(failed)?;
            signal_hook::flag::register_usize(signal, came.clone(), signal.unsigned_abs() as usize)
                .map_err(failed)?;
            signal_hook::flag::register(signal, stop.clone()).map_err(failed)?;
        }
        let mut arrivals =
            signal_hook::iterator::Signals::new([SIGTERM, SIGINT]).map_err(failed)?;
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                if let Some(signal) = arrivals.forever().next() {
                    std::thread::sleep(PATIENCE);
                    farewell();
                    super::print::line(STOPPED);
                    super::print::exit(code(signal));
                }
            })
            .map_err(failed)?;
        Ok(Self { came })
    }

    /// The exit code that the signal asks for, if one came.
    pub fn exit_code(&self) -> Option<u8> {
        match self.came.load(Ordering::Relaxed) {
            0 => None,
            signal => u8::try_from(128 + signal).ok(),
        }
    }
}
