//! Where panics end.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `operation`; `None` means that it has panicked, which the panic hook
/// has reported.  The caller knows what may be left half done.
///
/// The payload of the panic is dropped here, and its drop can panic as well,
/// with another payload.  That one is leaked.
#[inline]
pub fn contain<R>(operation: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(operation)) {
        Ok(result) => Some(result),
        Err(payload) => {
            discard(payload);
            None
        }
    }
}

#[cold]
#[inline(never)]
fn discard(payload: Box<dyn Any + Send>) {
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(another);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::panic_any;
    use std::sync::Arc;

    /// Panics when it is dropped, with another bomb, this many times.
    struct Bomb(u32, Arc<()>);

    impl Drop for Bomb {
        fn drop(&mut self) {
            if let Some(left) = self.0.checked_sub(1) {
                panic_any(Self(left, Arc::clone(&self.1)));
            }
        }
    }

    #[test]
    fn a_panic_ends_here_whatever_it_brings() {
        let alive = Arc::new(());
        for depth in 0..4 {
            let bomb = Bomb(depth, Arc::clone(&alive));
            assert_eq!(contain(|| panic_any(bomb)), None::<()>);
        }
        assert_eq!(contain(|| 7), Some(7));
    }
}
