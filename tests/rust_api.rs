//! The Rust API against the project's own server.

#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::{Arc, Mutex};

use embedded_server::Config;
use nbd::Handle;

fn connected() -> Handle {
    let (socket, _server) = embedded_server::spawn_on_socketpair(Config::default()).unwrap();
    let handle = Handle::new();
    handle.connect_socket(socket).unwrap();
    handle
}

#[test]
fn errors_carry_errno_and_text() {
    let handle = Handle::new();
    let error = handle.get_size().unwrap_err();
    assert_eq!(error.errno(), libc::ENOTCONN);
    let error = handle.set_export_name("a\0b").unwrap_err();
    assert_eq!(error.errno(), libc::EINVAL);
    let handle = connected();
    let error = handle.pread(&mut [0; 512], u64::MAX, 0).unwrap_err();
    assert_eq!(error.errno(), libc::EINVAL);
    assert!(error.to_string().contains("beyond the end"));
}

#[test]
fn buffers_come_back_with_the_data() {
    let handle = connected();
    let log = Arc::new(Mutex::new(Vec::new()));
    for block in 0..16u8 {
        let log = Arc::clone(&log);
        let data = vec![block; 4096];
        let offset = u64::from(block) * 4096;
        handle
            .aio_pwrite(data, offset, 0, move |result| {
                log.lock().unwrap().push(result.unwrap());
            })
            .unwrap();
    }
    while handle.aio_in_flight().unwrap() > 0 {
        handle.poll(-1).unwrap();
    }
    let log = log.lock().unwrap();
    assert_eq!(log.len(), 16);
    assert!(log.iter().all(|data| data.len() == 4096));
    let mut back = vec![0; 16 * 4096];
    handle.pread(&mut back, 0, 0).unwrap();
    for (block, data) in back.chunks(4096).enumerate() {
        assert!(data.iter().all(|&byte| usize::from(byte) == block));
    }
}

#[test]
fn what_cannot_be_started_is_not_told_twice() {
    let handle = connected();
    let told = Arc::new(Mutex::new(0));
    let count = Arc::clone(&told);
    let error = handle
        .aio_pread(vec![0; 512], 1 << 60, 0, move |_| {
            *count.lock().unwrap() += 1;
        })
        .unwrap_err();
    assert_eq!(error.errno(), libc::EINVAL);
    assert_eq!(*told.lock().unwrap(), 0);
    assert_eq!(Arc::strong_count(&told), 1, "the closure has been freed");
}

#[test]
fn dropping_the_handle_ends_every_command() {
    let handle = connected();
    let told = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..4 {
        let told = Arc::clone(&told);
        handle
            .aio_pread(vec![0; 1 << 20], 0, 0, move |result| {
                told.lock().unwrap().push(result.map(|data| data.len()));
            })
            .unwrap();
    }
    drop(handle);
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 4);
    for result in told.iter() {
        match result {
            Ok(len) => assert_eq!(*len, 1 << 20),
            Err(error) => assert_eq!(error.errno(), libc::ENOTCONN),
        }
    }
}

#[test]
fn several_threads_share_a_handle() {
    let handle = connected();
    std::thread::scope(|scope| {
        for thread in 0..4u8 {
            let handle = &handle;
            scope.spawn(move || {
                let offset = u64::from(thread) << 16;
                for round in 0..50 {
                    let data = [thread * 50 + round; 512];
                    let mut back = [0; 512];
                    handle.pwrite(&data, offset, 0).unwrap();
                    handle.pread(&mut back, offset, 0).unwrap();
                    assert_eq!(data, back);
                }
            });
        }
    });
}

#[test]
fn the_handshake_in_the_callers_hands() {
    let (socket, _server) = embedded_server::spawn_on_socketpair(Config::default()).unwrap();
    let handle = Handle::new();
    handle.set_opt_mode(true).unwrap();
    handle.connect_socket(socket).unwrap();
    assert_eq!(handle.get_protocol().unwrap(), "newstyle-fixed");
    let contexts = handle.opt_list_meta_context_queries(&[]).unwrap();
    assert_eq!(contexts, ["base:allocation"]);
    handle.add_meta_context("base:allocation").unwrap();
    handle.opt_go().unwrap();
    assert!(handle.can_meta_context("base:allocation").unwrap());
    let size = handle.get_size().unwrap().unsigned_abs();
    let status = handle.block_status(size, 0, 0).unwrap();
    let [(context, extents)] = &status[..] else {
        panic!("one context: {status:?}")
    };
    assert_eq!(context, "base:allocation");
    assert_eq!(extents.iter().map(|e| e.length).sum::<u64>(), size);
}
