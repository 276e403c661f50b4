//! The threads that do a run's work.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use crate::error::{Error, Result};

/// Threads, and how many pieces of work may be in flight among them.
///
/// The thread that asks only coordinates; pieces run on the pool. How many threads there are never
/// reaches a step.
pub struct Crew {
    /// `None`: whoever asks does the work itself.
    pool: Option<rayon::ThreadPool>,
    in_flight: AtomicUsize,
    most_in_flight: usize,
    stop: Arc<AtomicBool>,
}

impl Crew {
    /// A crew of `threads` threads (at least one).
    ///
    /// # Errors
    /// [`Error::Store`] when the system gives no threads.
    pub fn new(threads: usize) -> Result<Self> {
        let threads = threads.max(1);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|n| format!("crew-{n}"))
            .build()
            .map_err(|e| Error::store("threads", e))?;
        Ok(Self {
            pool: Some(pool),
            in_flight: AtomicUsize::new(0),
            // Enough that nobody waits for the slowest piece of a row, few enough to bound memory.
            most_in_flight: 4 * threads,
            stop: Arc::default(),
        })
    }

    /// The same run seen from one of this crew's own threads: it has no threads to wait for, and does
    /// what it is asked itself.
    #[must_use]
    pub fn alone(&self) -> Self {
        Self {
            pool: None,
            in_flight: AtomicUsize::new(0),
            most_in_flight: 1,
            stop: self.stop.clone(),
        }
    }

    /// The flag that ends the run: whoever sets it makes every unit stop at its next piece.
    pub fn stop_flag(&self) -> Arc<AtomicBool> {
        self.stop.clone()
    }

    /// # Errors
    /// [`Error::Stopped`] once the stop flag is set.
    pub fn check(&self) -> Result<()> {
        if self.stop.load(Ordering::Relaxed) { Err(Error::Stopped) } else { Ok(()) }
    }

    /// As [`super::Out::ordered`].
    ///
    /// # Errors
    /// As [`super::Out::ordered`].
    pub fn ordered<T: Send>(
        &self,
        count: usize,
        make: impl Fn(usize) -> Result<T> + Sync,
        mut take: impl FnMut(usize, T) -> Result<()>,
    ) -> Result<()> {
        let Some(pool) = &self.pool else {
            return (0..count).try_for_each(|index| {
                self.check()?;
                make(index).and_then(|piece| take(index, piece))
            });
        };
        let (made, arrivals) = mpsc::channel();
        let make = &make;
        pool.in_place_scope_fifo(|scope| {
            let mut started = 0;
            let mut waiting = BTreeMap::new();
            let mut taken = 0;
            let mut result = Ok(());
            while taken < count && result.is_ok() {
                // The piece that is next in line is always allowed, so that nobody waits for ever.
                while started < count && self.acquire(started == taken) {
                    let made = made.clone();
                    let index = started;
                    scope.spawn_fifo(move |_| {
                        let piece = catch_unwind(AssertUnwindSafe(|| {
                            self.check().and_then(|()| make(index))
                        }))
                        .unwrap_or_else(|panic| Err(bug(&*panic)));
                        // The receiver is gone only when the scope has already failed.
                        let _ = made.send((index, piece));
                    });
                    started += 1;
                }
                let Ok((index, piece)) = arrivals.recv() else { break };
                waiting.insert(index, piece);
                while let Some(piece) = waiting.remove(&taken) {
                    self.in_flight.fetch_sub(1, Ordering::Relaxed);
                    result = self.check().and(piece).and_then(|piece| take(taken, piece));
                    taken += 1;
                    if result.is_err() {
                        break;
                    }
                }
            }
            self.in_flight.fetch_sub(started - taken, Ordering::Relaxed);
            result
        })
    }

    fn acquire(&self, next_in_line: bool) -> bool {
        self.in_flight
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| {
                (next_in_line || n < self.most_in_flight).then_some(n + 1)
            })
            .is_ok()
    }
}

/// A caught panic as an error.
pub(crate) fn bug(panic: &(dyn std::any::Any + Send)) -> Error {
    let message = panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_else(|| "a panic without words".into());
    Error::Bug { message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_in_order_for_any_number_of_threads() {
        for threads in [1, 2, 7] {
            let crew = Crew::new(threads).unwrap();
            let mut seen = Vec::new();
            let slow_first = |i: usize| {
                if i.is_multiple_of(5) {
                    std::thread::sleep(std::time::Duration::from_millis(3));
                }
                Ok(i * i)
            };
            crew.ordered(100, slow_first, |i, v| {
                seen.push((i, v));
                Ok(())
            })
            .unwrap();
            assert_eq!(seen, (0..100).map(|i| (i, i * i)).collect::<Vec<_>>());
            assert_eq!(crew.in_flight.load(Ordering::Relaxed), 0);
        }
    }

    #[test]
    fn the_first_error_by_index_wins_and_slots_come_back() {
        let crew = Crew::new(3).unwrap();
        let fails =
            |i: usize| if i >= 10 { Err(Error::format("piece", i.to_string())) } else { Ok(i) };
        for _ in 0..20 {
            let error = crew.ordered(50, fails, |_, _| Ok(())).unwrap_err();
            assert_eq!(error, Error::format("piece", "10"));
            assert_eq!(crew.in_flight.load(Ordering::Relaxed), 0);
        }
    }

    #[test]
    fn pieces_may_be_split_on_the_threads_that_do_them() {
        let crew = Crew::new(2).unwrap();
        let nested = |i: usize| {
            let mut sum = 0;
            crew.alone().ordered(
                10,
                |j| Ok(i * j),
                |_, product| {
                    sum += product;
                    Ok(())
                },
            )?;
            Ok(sum)
        };
        let mut seen = Vec::new();
        let take = |_, sum| {
            seen.push(sum);
            Ok(())
        };
        crew.ordered(20, nested, take).unwrap();
        assert_eq!(seen, (0..20).map(|i| 45 * i).collect::<Vec<_>>());
    }

    #[test]
    fn a_panic_is_an_error_and_a_stop_ends_it() {
        let crew = Crew::new(2).unwrap();
        let panics = |i: usize| if i == 3 { panic!("piece {i}") } else { Ok(()) };
        let error = crew.ordered(9, panics, |_, ()| Ok(())).unwrap_err();
        assert_eq!(error, Error::Bug { message: "piece 3".into() });
        crew.stop_flag().store(true, Ordering::Relaxed);
        assert_eq!(crew.ordered(9, Ok, |_, _| Ok(())).unwrap_err(), Error::Stopped);
    }
}
