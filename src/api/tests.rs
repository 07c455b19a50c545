//! The gate.

use std::sync::{Arc, Mutex};

use super::callbacks::{ChunkCallback, CompletionCallback, DebugCallback};
use crate::client::{Client, Handle, debug};
use crate::error::{Error, Result};
use crate::table;

/// Runs an operation in place of that of `nbd_poll`.
fn inside_poll(handle: &Handle, operation: impl FnOnce(&mut Client) -> Result<()>) -> Result<()> {
    handle.call(
        &table::poll,
        (),
        |(), _| {},
        |_, ()| (),
        |client, ()| operation(client),
    )
}

#[test]
fn a_panic_ends_the_connection_and_leaves_the_function() {
    let handle = Handle::new();
    let before = debug::context();
    let error = inside_poll(&handle, |_| panic!("on purpose")).unwrap_err();
    assert_eq!(error.errno(), libc::ENOTRECOVERABLE);
    assert_eq!(debug::context(), before);
    assert!(handle.aio_is_dead());
    assert!(
        handle
            .connection_state()
            .unwrap()
            .to_bytes()
            .starts_with(b"DEAD")
    );
}

#[test]
fn no_command_outlives_a_panic() {
    let (socket, _server) = embedded_server::spawn_on_socketpair(Default::default()).unwrap();
    let handle = Handle::new();
    handle.connect_socket(socket).unwrap();
    let data: Arc<[u8]> = Arc::from(&b"data"[..]);
    let none = CompletionCallback::none();
    handle.aio_pwrite(Arc::clone(&data), 0, none, 0).unwrap();
    assert_eq!(Arc::strong_count(&data), 2);
    inside_poll(&handle, |_| panic!("on purpose")).unwrap_err();
    assert_eq!(Arc::strong_count(&data), 1);
}

#[test]
fn the_outer_function_counts_again_after_a_nested_call() {
    let handle = Handle::new();
    inside_poll(&handle, |_| {
        assert_eq!(debug::context(), c"nbd_poll");
        Handle::new().set_export_name("inner").unwrap();
        assert_eq!(debug::context(), c"nbd_poll");
        Ok(())
    })
    .unwrap();
}

#[test]
fn debug_lines_tell_how_a_call_ended() {
    let handle = Handle::new();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&lines);
    let callback = DebugCallback::new(move |context, message| {
        let line = [context.to_bytes(), message.to_bytes()].join(&b": "[..]);
        log.lock().unwrap().push(String::from_utf8(line).unwrap());
    });
    handle.set_debug_callback(callback).unwrap();
    handle.set_debug(true).unwrap();
    handle.pwrite(b"\x01\x02", 3, 0).unwrap_err();
    inside_poll(&handle, |_| Err(Error::new(libc::EIO, "no luck"))).unwrap_err();
    handle.get_nr_meta_contexts().unwrap();
    let lines = lines.lock().unwrap().join("\n");
    assert_eq!(
        lines,
        "nbd_set_debug: leave: ret=0\n\
         nbd_pwrite: enter: buf=\"0102\" count=2 offset=3 flags=0x0\n\
         nbd_pwrite: leave: error=\"nbd_pwrite: invalid state: START: the handle has been \
         created: the handle must be connected: Transport endpoint is not connected\"\n\
         nbd_poll: enter:\n\
         nbd_poll: leave: error=\"nbd_poll: no luck: Input/output error\"\n\
         nbd_get_nr_meta_contexts: enter:\n\
         nbd_get_nr_meta_contexts: leave: ret=0"
    );
}

#[test]
fn debug_lines_tell_whether_there_is_a_completion() {
    let (socket, _server) = embedded_server::spawn_on_socketpair(Default::default()).unwrap();
    let handle = Handle::new();
    handle.connect_socket(socket).unwrap();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&lines);
    let callback = DebugCallback::new(move |_, message| {
        let message = message.to_str().unwrap();
        if message.starts_with("enter: ") {
            let (_, shown) = message.split_once("completion_callback=").unwrap();
            log.lock().unwrap().push(shown.to_owned());
        }
    });
    handle.set_debug_callback(callback).unwrap();
    handle.debug().set_enabled(true);
    let told = || CompletionCallback::new(|_| ());
    let none = CompletionCallback::none;
    let parts = || ChunkCallback::new(|_| Ok(()));
    handle.aio_pread(vec![0; 8], 0, none(), 0).unwrap();
    handle.aio_pread(vec![0; 8], 0, told(), 0).unwrap();
    handle
        .aio_pread_structured(vec![0; 8], 0, parts(), none(), 0)
        .unwrap();
    handle.aio_pwrite(vec![0; 8], 0, none(), 0).unwrap();
    handle.aio_pwrite(vec![0; 8], 0, told(), 0).unwrap();
    handle.aio_flush(CompletionCallback::none(), 0).unwrap();
    handle.debug().set_enabled(false);
    let shown = lines.lock().unwrap().join(" ");
    let expected = ["NULL", "<fun>", "NULL", "NULL", "<fun>", "NULL"];
    let expected = expected.map(|shown| format!("{shown} flags=0x0"));
    assert_eq!(shown, expected.join(" "));
}
