//! Batches: requests that leave together.

use crate::api::functions;

functions! {
    /// Sets whether commands wait until the handle next moves bytes, so that
    /// many leave in one send, and whether one call may complete many commands.
    /// By default neither.
    set_batch(batch: bool), |client| {
        client.settings.batch = batch;
        if !batch {
            // The failure is recorded in the state and in the commands.
            let _ = client.send_batch();
        }
        Ok(())
    };
    /// See [`Handle::set_batch`](Self::set_batch).
    get_batch() -> bool, |client| Ok(client.settings.batch);
}
