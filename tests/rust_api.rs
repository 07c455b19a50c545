//! Tests the Rust API with the project's own server.

#![allow(clippy::unwrap_used, missing_docs)]

use std::ffi::{CStr, CString, OsStr};
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::panic::{panic_any, resume_unwind};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use embedded_server::{Config, Export, Failure, Replies};
use libnbd::{
    ChunkCallback, CompletionCallback, ContextCallback, DebugCallback, Extent, Extent64Callback,
    ExtentCallback, Handle, ListCallback,
};

/// Creates a handle that is connected to its own server.
fn connected_to(config: Config) -> Handle {
    let (socket, _server) = embedded_server::spawn_on_socketpair(config).unwrap();
    let handle = Handle::new();
    handle
        .add_meta_context(libnbd::CONTEXT_BASE_ALLOCATION)
        .unwrap();
    handle.connect_socket(socket).unwrap();
    handle
}

fn connected() -> Handle {
    connected_to(Config::default())
}

/// Creates a handle in option mode, with no option sent yet.
fn negotiating(config: Config) -> Handle {
    let (socket, _server) = embedded_server::spawn_on_socketpair(config).unwrap();
    let handle = Handle::new();
    handle.set_opt_mode(true).unwrap();
    handle.set_request_extended_headers(false).unwrap();
    handle.set_request_structured_replies(false).unwrap();
    handle.connect_socket(socket).unwrap();
    assert!(handle.aio_is_negotiating());
    handle
}

/// Drives the handle until no command is in flight.
fn finish(handle: &Handle) {
    while handle.aio_in_flight().unwrap() > 0 {
        handle.poll(-1).unwrap();
    }
}

/// Drives the handle until the option has been answered.
fn negotiate(handle: &Handle) {
    while handle.aio_is_connecting() {
        handle.poll(-1).unwrap();
    }
}

/// The data that a closure passes to its test.
fn shared<T>(value: T) -> (Arc<Mutex<T>>, Arc<Mutex<T>>) {
    let value = Arc::new(Mutex::new(value));
    (Arc::clone(&value), value)
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
fn the_state_is_checked_before_the_arguments() {
    let handle = Handle::new();
    let error = handle.can_meta_context("a\0b").unwrap_err();
    assert_eq!(error.errno(), libc::ENOTCONN);
    let error = handle.pwrite(&[], 0, !0).unwrap_err();
    assert_eq!(error.errno(), libc::ENOTCONN);
}

#[test]
fn strings_are_bytes_on_the_way_in_and_out() {
    let handle = Handle::new();
    let name = OsStr::from_bytes(b"disk \xff");
    handle.set_export_name(name).unwrap();
    assert_eq!(handle.get_export_name().unwrap().as_bytes(), b"disk \xff");
    handle.set_export_name(String::from("disk")).unwrap();
    assert_eq!(handle.get_export_name().unwrap().as_c_str(), c"disk");
    handle.set_handle_name(c"copy").unwrap();
    assert_eq!(handle.get_handle_name().as_c_str(), c"copy");
}

#[test]
fn settings_come_back_as_they_were_set() {
    let handle = Handle::new();
    handle.set_full_info(true).unwrap();
    assert!(handle.get_full_info().unwrap());
    handle.set_pread_initialize(false).unwrap();
    assert!(!handle.get_pread_initialize());
    handle
        .set_strict_mode(libnbd::STRICT_MASK & !libnbd::STRICT_BOUNDS)
        .unwrap();
    assert_eq!(handle.get_strict_mode(), 0x7b);
    assert_eq!(
        handle.set_strict_mode(!0).unwrap_err().errno(),
        libc::EINVAL
    );
    handle.set_tls(libnbd::TLS_ALLOW).unwrap();
    assert_eq!(handle.get_tls(), libnbd::TLS_ALLOW);
    assert_eq!(handle.set_tls(3).unwrap_err().errno(), libc::EINVAL);
    handle.set_tls_username("alice").unwrap();
    assert_eq!(handle.get_tls_username().unwrap().as_c_str(), c"alice");
    handle.set_tls_hostname("example.com").unwrap();
    assert_eq!(
        handle.get_tls_hostname().unwrap().as_c_str(),
        c"example.com"
    );
    handle.set_tls_verify_peer(false).unwrap();
    assert!(!handle.get_tls_verify_peer());
    handle.set_socket_activation_name("disk1").unwrap();
    assert_eq!(
        handle.get_socket_activation_name().unwrap().as_c_str(),
        c"disk1"
    );
    assert_eq!(handle.set_private_data(7), 0);
    assert_eq!(handle.get_private_data(), 7);
    handle.add_meta_context("a:b").unwrap();
    assert_eq!(handle.get_nr_meta_contexts().unwrap(), 1);
    assert_eq!(handle.get_meta_context(0).unwrap().as_c_str(), c"a:b");
    handle.clear_meta_contexts().unwrap();
    assert_eq!(
        handle.get_meta_context(0).unwrap_err().errno(),
        libc::EINVAL
    );
    assert_eq!(handle.get_version(), c"1.24.0");
    assert!(handle.supports_uri());
}

#[test]
fn the_handle_counts_the_strings_it_keeps() {
    let handle = Handle::new();
    let before = handle.get_handle_size().unwrap();
    handle.set_tls_psk_file("x".repeat(1000)).unwrap();
    handle.set_socket_activation_name("disk1").unwrap();
    assert_eq!(handle.get_handle_size().unwrap(), before + 1005);
}

#[test]
fn buffers_come_back_with_the_data() {
    let handle = connected();
    let (log, written) = shared(Vec::new());
    for block in 0..16u8 {
        let log = Arc::clone(&log);
        let data = vec![block; 4096];
        let offset = u64::from(block) * 4096;
        let completion = CompletionCallback::new(move |result: libnbd::Result<_>| {
            log.lock().unwrap().push(result.unwrap());
        });
        handle.aio_pwrite(data, offset, completion, 0).unwrap();
    }
    finish(&handle);
    let written = written.lock().unwrap();
    assert_eq!(written.len(), 16);
    assert!(written.iter().all(|data| data.len() == 4096));
    let mut back = vec![0; 16 * 4096];
    handle.pread(&mut back, 0, 0).unwrap();
    for (block, data) in back.chunks(4096).enumerate() {
        assert!(data.iter().all(|&byte| usize::from(byte) == block));
    }
}

#[test]
fn a_command_without_a_closure_waits_to_be_asked() {
    let handle = connected();
    let data: Arc<[u8]> = Arc::from(&b"hello"[..]);
    let cookie = handle
        .aio_pwrite(Arc::clone(&data), 0, CompletionCallback::none(), 0)
        .unwrap();
    finish(&handle);
    assert_eq!(Arc::strong_count(&data), 2, "the command keeps its data");
    assert_eq!(handle.aio_peek_command_completed().unwrap(), Some(cookie));
    assert!(handle.aio_command_completed(cookie).unwrap());
    assert_eq!(Arc::strong_count(&data), 1);
    let error = handle.aio_peek_command_completed().unwrap_err();
    assert_eq!(error.errno(), libc::EINVAL);
    let cookie = handle
        .aio_pwrite(&b"world"[..], 0, CompletionCallback::none(), 0)
        .unwrap();
    assert_eq!(cookie, 2);
}

#[test]
fn a_command_tells_the_servers_error() {
    let handle = connected_to(Config {
        failures: vec!["WRITE=ENOSPC".parse::<Failure>().unwrap()],
        ..Config::default()
    });
    let (seen, result) = shared(None);
    let completion = CompletionCallback::new(move |result: libnbd::Result<Vec<u8>>| {
        *seen.lock().unwrap() = Some(result.unwrap_err().errno());
    });
    handle.aio_pwrite(vec![1; 512], 0, completion, 0).unwrap();
    finish(&handle);
    assert_eq!(*result.lock().unwrap(), Some(libc::ENOSPC));
    let cookie = handle
        .aio_pwrite(vec![1; 512], 0, CompletionCallback::none(), 0)
        .unwrap();
    finish(&handle);
    let error = handle.aio_command_completed(cookie).unwrap_err();
    assert_eq!(error.errno(), libc::ENOSPC);
}

#[test]
fn what_cannot_be_started_is_not_told_twice() {
    let handle = connected();
    let told = Arc::new(Mutex::new(0));
    let count = Arc::clone(&told);
    let completion = CompletionCallback::new(move |_| *count.lock().unwrap() += 1);
    let error = handle
        .aio_pread(vec![0; 512], 1 << 60, completion, 0)
        .unwrap_err();
    assert_eq!(error.errno(), libc::EINVAL);
    assert_eq!(*told.lock().unwrap(), 0);
    assert_eq!(Arc::strong_count(&told), 1, "the closure has been freed");
}

#[test]
fn dropping_the_handle_ends_every_command() {
    let handle = connected();
    let (told, results) = shared(Vec::new());
    for _ in 0..4 {
        let told = Arc::clone(&told);
        let completion = CompletionCallback::new(move |result: libnbd::Result<Vec<u8>>| {
            told.lock().unwrap().push(result.map(|data| data.len()));
        });
        handle
            .aio_pread(vec![0; 1 << 20], 0, completion, 0)
            .unwrap();
    }
    drop(handle);
    let results = results.lock().unwrap();
    assert_eq!(results.len(), 4);
    for result in results.iter() {
        match result {
            Ok(len) => assert_eq!(*len, 1 << 20),
            Err(error) => assert_eq!(error.errno(), libc::ENOTCONN),
        }
    }
}

#[test]
fn several_threads_share_a_handle() {
    let handle = connected();
    thread::scope(|scope| {
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
fn a_structured_read_tells_of_data_and_holes() {
    let handle = connected_to(Config {
        sparse_reads: true,
        ..Config::default()
    });
    handle.pwrite(&[7; 65536], 65536, 0).unwrap();
    let mut buf = vec![0xff; 3 * 65536];
    let mut data = 0;
    let mut holes = 0;
    let tell = ChunkCallback::new(|chunk| {
        assert_eq!(chunk.errno, 0);
        match chunk.status {
            libnbd::READ_DATA => {
                assert!(chunk.data.iter().all(|&byte| byte == 7));
                data += chunk.data.len();
            }
            libnbd::READ_HOLE => holes += chunk.data.len(),
            other => panic!("status {other}"),
        }
        Ok(())
    });
    handle.pread_structured(&mut buf, 0, tell, 0).unwrap();
    assert_eq!((data, holes), (65536, 2 * 65536));
    assert!(buf[..65536].iter().all(|&byte| byte == 0));

    let (seen, offsets) = shared(Vec::new());
    let chunk = ChunkCallback::new(move |chunk| {
        seen.lock().unwrap().push(chunk.offset);
        Ok(())
    });
    let (given, back) = shared(None);
    let completion = CompletionCallback::new(move |result: libnbd::Result<Vec<u8>>| {
        *given.lock().unwrap() = Some(result.unwrap());
    });
    handle
        .aio_pread_structured(vec![0; 512], 65536, chunk, completion, libnbd::CMD_FLAG_DF)
        .unwrap();
    finish(&handle);
    assert_eq!(*offsets.lock().unwrap(), [65536]);
    assert_eq!(back.lock().unwrap().take(), Some(vec![7; 512]));
}

#[test]
fn a_callback_can_fail_its_command() {
    let handle = connected();
    let refuse = || ChunkCallback::new(|_| Err(libnbd::Error::new(libc::EDOM, "not today")));
    let error = handle
        .pread_structured(&mut [0; 512], 0, refuse(), 0)
        .unwrap_err();
    assert_eq!(error.errno(), libc::EDOM);
    let shout = ExtentCallback::new(|_, _, _| Err(libnbd::Error::without_errno("no")));
    let error = handle.block_status(512, 0, shout, 0).unwrap_err();
    assert_eq!(error.errno(), libc::EPROTO);
    handle.pread(&mut [0; 512], 0, 0).unwrap();
}

#[test]
fn every_form_of_block_status_tells_the_same() {
    let handle = connected_to(Config {
        replies: Replies::Extended,
        ..Config::default()
    });
    handle.pwrite(&[1; 65536], 65536, 0).unwrap();
    let (hole, size) = (
        libnbd::STATE_HOLE | libnbd::STATE_ZERO,
        handle.get_size().unwrap(),
    );
    let expected = [(65536, hole), (65536, 0), (size - 2 * 65536, hole)];
    let pairs = |extents: &[Extent]| -> Vec<_> {
        extents
            .iter()
            .map(|extent| (extent.length, extent.flags))
            .collect()
    };

    let mut words = Vec::new();
    let status = ExtentCallback::new(|context: &CStr, offset, found: &[u32]| {
        assert_eq!((context, offset), (c"base:allocation", 0));
        words.extend_from_slice(found);
        Ok(())
    });
    handle.block_status(size, 0, status, 0).unwrap();
    let narrow: Vec<_> = words
        .chunks(2)
        .map(|pair| (u64::from(pair[0]), u64::from(pair[1])))
        .collect();
    assert_eq!(narrow, expected);

    let mut wide = Vec::new();
    let status = Extent64Callback::new(|_, _, found| {
        wide.extend(pairs(found));
        Ok(())
    });
    handle.block_status_64(size, 0, status, 0).unwrap();
    assert_eq!(wide, expected);

    let mut filtered = Vec::new();
    let status = Extent64Callback::new(|_, _, found| {
        filtered.extend(pairs(found));
        Ok(())
    });
    handle
        .block_status_filter(size, 0, &["base:allocation"], status, 0)
        .unwrap();
    assert_eq!(filtered, expected);

    let (found, all) = shared(Vec::new());
    let wide = || {
        let found = Arc::clone(&found);
        Extent64Callback::new(move |_, _, extents| {
            found.lock().unwrap().push(pairs(extents));
            Ok(())
        })
    };
    let again = Arc::clone(&found);
    let narrow = ExtentCallback::new(move |_, _, words| {
        let pairs = words.chunks(2).map(|pair| (pair[0].into(), pair[1].into()));
        again.lock().unwrap().push(pairs.collect());
        Ok(())
    });
    let none = CompletionCallback::none;
    let contexts = [CString::from(libnbd::CONTEXT_BASE_ALLOCATION)];
    let cookies = [
        handle.aio_block_status(size, 0, narrow, none(), 0),
        handle.aio_block_status_64(size, 0, wide(), none(), 0),
        handle.aio_block_status_filter(size, 0, &contexts, wide(), none(), 0),
    ];
    finish(&handle);
    for cookie in cookies {
        assert!(handle.aio_command_completed(cookie.unwrap()).unwrap());
    }
    assert_eq!(*all.lock().unwrap(), vec![expected.to_vec(); 3]);
}

#[test]
fn ranges_are_trimmed_zeroed_cached_and_flushed() {
    let handle = connected();
    handle
        .pwrite(&vec![1; 65536], 0, libnbd::CMD_FLAG_FUA)
        .unwrap();
    handle.zero(512, 0, libnbd::CMD_FLAG_NO_HOLE).unwrap();
    handle.trim(512, 1024, 0).unwrap();
    handle.flush(0).unwrap();
    if handle.can_cache().unwrap() {
        handle.cache(65536, 0, 0).unwrap();
    }
    let (ended, results) = shared(Vec::new());
    let completion = || {
        let ended = Arc::clone(&ended);
        CompletionCallback::new(move |result| ended.lock().unwrap().push(result))
    };
    handle.aio_zero(512, 2048, completion(), 0).unwrap();
    handle.aio_trim(512, 4096, completion(), 0).unwrap();
    handle.aio_cache(512, 0, completion(), 0).unwrap();
    handle.aio_flush(completion(), 0).unwrap();
    finish(&handle);
    assert_eq!(*results.lock().unwrap(), [Ok(()), Ok(()), Ok(()), Ok(())]);
    let mut back = [0; 4096];
    handle.pread(&mut back, 0, 0).unwrap();
    assert!(back[..512].iter().all(|&byte| byte == 0));
    assert!(back[512..1024].iter().all(|&byte| byte == 1));
    assert!(back[2048..2560].iter().all(|&byte| byte == 0));
}

#[test]
fn connecting_does_not_have_to_wait() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        for _ in 0..2 {
            let (stream, _) = listener.accept().unwrap();
            embedded_server::serve_stream(stream, &Config::default()).unwrap();
        }
    });
    for round in 0..2 {
        let handle = Handle::new();
        match round {
            0 => handle.aio_connect(address),
            _ => handle.aio_connect_tcp("127.0.0.1", address.port().to_string()),
        }
        .unwrap();
        assert!(handle.aio_is_connecting());
        negotiate(&handle);
        assert!(handle.aio_is_ready());
        assert!(handle.get_size().unwrap() > 0);
        handle.aio_disconnect(0).unwrap();
        while !handle.aio_is_closed() {
            handle.poll(-1).unwrap();
        }
    }
    server.join().unwrap();
}

#[test]
fn a_socket_is_the_handles_whether_it_can_be_used_or_not() {
    let handle = connected();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let error = handle.connect_socket(ours).unwrap_err();
    assert_eq!(error.errno(), libc::EINVAL, "connected already");
    let mut byte = [0];
    let count = std::io::Read::read(&mut &theirs, &mut byte).unwrap();
    assert_eq!(count, 0, "the socket has been closed");
}

#[test]
fn the_notify_functions_drive_a_handle() {
    let (socket, _server) = embedded_server::spawn_on_socketpair(Config::default()).unwrap();
    let descriptor = socket.as_raw_fd();
    let handle = Handle::new();
    handle.aio_connect_socket(socket).unwrap();
    while !handle.aio_is_ready() {
        assert_eq!(handle.aio_get_fd().unwrap(), descriptor);
        let direction = handle.aio_get_direction();
        if direction & libnbd::AIO_DIRECTION_WRITE != 0 {
            handle.aio_notify_write().unwrap();
        } else {
            assert_eq!(direction, libnbd::AIO_DIRECTION_READ);
            handle.aio_notify_read().unwrap();
        }
    }
    assert!(!handle.aio_is_created() && !handle.aio_is_processing() && !handle.aio_is_dead());
}

#[test]
fn another_descriptor_ends_the_wait() {
    let handle = connected();
    let (ours, theirs) = UnixStream::pair().unwrap();
    assert!(!handle.poll2(ours.as_raw_fd(), 0).unwrap());
    std::io::Write::write_all(&mut &theirs, b"!").unwrap();
    assert!(handle.poll2(ours.as_raw_fd(), -1).unwrap());
}

#[test]
fn the_handshake_in_the_callers_hands() {
    let handle = negotiating(Config {
        exports: vec![Export {
            name: "disk".to_owned(),
            description: "a disk".to_owned(),
        }],
        ..Config::default()
    });
    assert_eq!(handle.get_protocol().unwrap(), c"newstyle-fixed");
    assert!(handle.opt_structured_reply().unwrap());
    assert!(!handle.opt_starttls().unwrap());
    let mut exports = Vec::new();
    let list = ListCallback::new(|name, description| {
        exports.push((name.to_owned(), description.to_owned()));
    });
    assert_eq!(handle.opt_list(list).unwrap(), 1);
    assert_eq!(exports, [(c"disk".to_owned(), c"a disk".to_owned())]);
    handle.set_export_name(&exports[0].0).unwrap();
    let mut contexts = Vec::new();
    let context = ContextCallback::new(|name| contexts.push(name.to_owned()));
    let none: [&str; 0] = [];
    handle
        .opt_list_meta_context_queries(&none, context)
        .unwrap();
    assert_eq!(contexts, [libnbd::CONTEXT_BASE_ALLOCATION.to_owned()]);
    handle.add_meta_context(&contexts[0]).unwrap();
    let mut granted = 0;
    let context = ContextCallback::new(|_| granted += 1);
    handle.opt_set_meta_context(context).unwrap();
    assert_eq!(granted, 1);
    handle.opt_info().unwrap();
    let size = handle.get_size().unwrap();
    handle.opt_go().unwrap();
    assert!(handle.can_meta_context("base:allocation").unwrap());
    assert_eq!(handle.get_size().unwrap(), size);
}

#[test]
fn options_do_not_have_to_wait() {
    let handle = negotiating(Config::default());
    let (log, told) = shared(Vec::new());
    let completion = |what: &'static str| {
        let log = Arc::clone(&log);
        CompletionCallback::new(move |result: libnbd::Result<()>| {
            log.lock().unwrap().push((what, result.is_ok()));
        })
    };
    let (names, contexts) = shared(Vec::new());
    let context = || {
        let names = Arc::clone(&names);
        ContextCallback::new(move |name| names.lock().unwrap().push(name.to_owned()))
    };
    let query = ["base:allocation"];
    handle
        .aio_opt_structured_reply(completion("structured"))
        .unwrap();
    negotiate(&handle);
    handle.aio_opt_starttls(completion("tls")).unwrap();
    negotiate(&handle);
    handle
        .aio_opt_list(ListCallback::new(|_, _| ()), completion("list"))
        .unwrap();
    negotiate(&handle);
    handle
        .aio_opt_list_meta_context_queries(&query, context(), completion("list contexts"))
        .unwrap();
    negotiate(&handle);
    handle
        .aio_opt_set_meta_context_queries(&query, context(), completion("set contexts"))
        .unwrap();
    negotiate(&handle);
    handle.aio_opt_info(completion("info")).unwrap();
    negotiate(&handle);
    handle.set_request_meta_context(false).unwrap();
    handle.aio_opt_go(completion("go")).unwrap();
    negotiate(&handle);
    assert!(handle.aio_is_ready());
    let told = told.lock().unwrap();
    let expected = [
        ("structured", true),
        ("tls", false),
        ("list", true),
        ("list contexts", true),
        ("set contexts", true),
        ("info", true),
        ("go", true),
    ];
    assert_eq!(*told, expected);
    assert_eq!(contexts.lock().unwrap().len(), 2);
}

#[test]
fn an_option_can_end_the_session() {
    let handle = negotiating(Config::default());
    handle.aio_opt_abort().unwrap();
    negotiate(&handle);
    assert!(handle.aio_is_closed());
    let handle = negotiating(Config::default());
    handle.shutdown(libnbd::SHUTDOWN_ABANDON_PENDING).unwrap();
    assert!(handle.aio_is_closed());
}

#[test]
fn debug_messages_go_where_the_caller_wants() {
    let handle = Handle::new();
    let (log, lines) = shared(Vec::new());
    let callback = DebugCallback::new(move |function, message| {
        log.lock()
            .unwrap()
            .push((function.to_owned(), message.to_owned()));
    });
    handle.set_debug_callback(callback).unwrap();
    handle.set_debug(true).unwrap();
    assert!(handle.get_debug());
    handle.set_tls(libnbd::TLS_ALLOW).unwrap();
    handle.set_debug(false).unwrap();
    handle.clear_debug_callback().unwrap();
    assert_eq!(Arc::strong_count(&lines), 1, "the closure has been freed");
    let lines = lines.lock().unwrap();
    let of_tls: Vec<_> = lines
        .iter()
        .filter(|(function, _)| function.as_c_str() == c"nbd_set_tls")
        .map(|(_, message)| message.to_str().unwrap())
        .collect();
    assert_eq!(of_tls, ["enter: tls=1", "leave: ret=0"]);
}

#[test]
fn a_panic_in_a_closure_stays_in_the_closure() {
    let handle = connected();
    let panic = CompletionCallback::new(|_: libnbd::Result<()>| panic!("on purpose"));
    handle.aio_flush(panic, 0).unwrap();
    finish(&handle);
    let panic = ChunkCallback::new(|_| panic!("on purpose"));
    let error = handle
        .pread_structured(&mut [0; 512], 0, panic, 0)
        .unwrap_err();
    assert_eq!(error.errno(), libc::ENOTRECOVERABLE);
    handle.pread(&mut [0; 512], 0, 0).unwrap();
    assert!(handle.aio_is_ready());
}

/// Panics again when it is dropped, with another one as the payload.
struct Bomb(u32);

impl Drop for Bomb {
    fn drop(&mut self) {
        if let Some(left) = self.0.checked_sub(1) {
            resume_unwind(Box::new(Self(left)));
        }
    }
}

#[test]
fn a_panic_ends_even_if_what_it_brings_panics() {
    for depth in 1..4 {
        let handle = connected();
        let panic = CompletionCallback::new(move |_: libnbd::Result<()>| panic_any(Bomb(depth)));
        handle.aio_flush(panic, 0).unwrap();
        finish(&handle);
        let panic = ChunkCallback::new(|_| panic_any(Bomb(depth)));
        let error = handle
            .pread_structured(&mut [0; 512], 0, panic, 0)
            .unwrap_err();
        assert_eq!(error.errno(), libc::ENOTRECOVERABLE);
        let error = handle.block_status(
            512,
            0,
            ExtentCallback::new(|_, _, _| panic_any(Bomb(depth))),
            0,
        );
        assert_eq!(error.unwrap_err().errno(), libc::ENOTRECOVERABLE);
        let callback = DebugCallback::new(move |_, _| panic_any(Bomb(depth)));
        handle.set_debug_callback(callback).unwrap();
        handle.set_debug(true).unwrap();
        handle.clear_debug_callback().unwrap();
        handle.set_debug(false).unwrap();
        handle.pread(&mut [0; 512], 0, 0).unwrap();
        let negotiating = negotiating(Config::default());
        let error = negotiating.opt_list(ListCallback::new(|_, _| panic_any(Bomb(depth))));
        assert_eq!(error.unwrap_err().errno(), libc::ENOTRECOVERABLE);
        negotiating.opt_go().unwrap();
    }
}

#[test]
fn a_callback_cannot_wait_for_the_call_that_it_runs_in() {
    let handle = Arc::new(connected());
    let inner = Arc::clone(&handle);
    let (tell, told) = shared(None);
    let callback = CompletionCallback::new(move |result: libnbd::Result<()>| {
        result.unwrap();
        let mut buf = [1; 16];
        let refused = [
            inner.get_size().unwrap_err(),
            inner.get_export_name().unwrap_err(),
            inner.pread(&mut buf, 0, 0).unwrap_err(),
            inner.aio_flush(CompletionCallback::none(), 0).unwrap_err(),
        ];
        assert_eq!(buf, [0; 16]);
        let seen = (
            inner.aio_is_ready() || inner.aio_is_processing(),
            inner.get_strict_mode(),
        );
        *tell.lock().unwrap() = Some((refused.map(|error| error.errno()), seen));
    });
    handle.aio_flush(callback, 0).unwrap();
    finish(&handle);
    let told = told.lock().unwrap();
    assert_eq!(
        *told,
        Some(([libc::EDEADLK; 4], (true, handle.get_strict_mode())))
    );
    handle.pread(&mut [0; 512], 0, 0).unwrap();
}

#[test]
fn a_panic_in_a_closure_fails_its_option() {
    let exports = ["a", "b", "c"].map(|name| Export {
        name: name.to_owned(),
        description: String::new(),
    });
    let handle = negotiating(Config {
        exports: exports.to_vec(),
        ..Config::default()
    });
    let mut calls = 0;
    let panic = ListCallback::new(|_, _| {
        calls += 1;
        panic!("on purpose");
    });
    let error = handle.opt_list(panic).unwrap_err();
    assert_eq!((error.errno(), calls), (libc::ENOTRECOVERABLE, 1));
    handle.opt_structured_reply().unwrap();
    handle.set_export_name("a").unwrap();
    let query = ["base:allocation"];
    let panic = || ContextCallback::new(|_| panic!("on purpose"));
    let error = handle.opt_list_meta_context_queries(&query, panic());
    assert_eq!(error.unwrap_err().errno(), libc::ENOTRECOVERABLE);
    let error = handle.opt_set_meta_context_queries(&query, panic());
    assert_eq!(error.unwrap_err().errno(), libc::ENOTRECOVERABLE);
    let (ended, told) = shared(None);
    let completion = CompletionCallback::new(move |result: libnbd::Result<()>| {
        *ended.lock().unwrap() = result.err().map(|error| error.errno());
    });
    handle
        .aio_opt_list_meta_context_queries(&query, panic(), completion)
        .unwrap();
    negotiate(&handle);
    assert_eq!(*told.lock().unwrap(), Some(libc::ENOTRECOVERABLE));
    // The server is not involved, so the negotiation continues.
    handle.set_request_meta_context(false).unwrap();
    handle.opt_go().unwrap();
    // A selection that fails selects nothing.
    assert_ne!(handle.can_meta_context("base:allocation"), Ok(true));
    handle.pread(&mut [0; 512], 0, 0).unwrap();
}

#[test]
fn a_subprocess_can_be_the_server() {
    let handle = Handle::new();
    let error = handle.kill_subprocess(0).unwrap_err();
    assert_eq!(error.errno(), libc::ESRCH);
    let none: [&str; 0] = [];
    let error = handle.connect_command(&none).unwrap_err();
    assert_eq!(error.errno(), libc::EINVAL);
    // The program does not speak NBD, but the subprocess exists all the same.
    handle.aio_connect_command(&["cat"]).unwrap();
    assert!(handle.get_subprocess_pid().unwrap() > 0);
    handle.kill_subprocess(0).unwrap();
}

#[test]
fn uris_can_be_restricted() {
    let handle = Handle::new();
    assert!(handle.is_uri("nbd://localhost").unwrap());
    assert!(!handle.is_uri("localhost").unwrap());
    handle
        .set_uri_allow_transports(libnbd::ALLOW_TRANSPORT_UNIX)
        .unwrap();
    let error = handle.connect_uri("nbd://localhost").unwrap_err();
    assert_eq!(error.errno(), libc::EPERM);
    handle.set_uri_allow_tls(libnbd::TLS_REQUIRE).unwrap();
    let error = handle.connect_uri("nbd+unix:///?socket=/x").unwrap_err();
    assert_eq!(error.errno(), libc::EPERM);
}

#[test]
fn traffic_is_counted() {
    let handle = connected();
    let before = handle.stats_bytes_received();
    handle.pread(&mut [0; 4096], 0, 0).unwrap();
    assert!(handle.stats_bytes_received() > before + 4096);
    assert!(handle.stats_bytes_sent() > 0);
    assert!(handle.stats_chunks_sent() > 0 && handle.stats_chunks_received() > 0);
}

#[test]
fn a_call_that_waits_is_cancelled() {
    let handle = connected();
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(20));
            handle.cancel();
        });
        assert_eq!(handle.poll(-1).unwrap_err().errno(), libc::ECANCELED);
    });
    assert!(handle.aio_is_dead());
    let error = handle.pread(&mut [0; 512], 0, 0).unwrap_err();
    assert_eq!(error.errno(), libc::ECANCELED);
    assert!(error.text().contains("cancel"), "{error}");
}

#[test]
fn a_server_is_waited_for() {
    let directory = std::env::temp_dir().join(format!("nbd-rust-retry-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let socket = directory.join("socket");
    let handle = Handle::new();
    assert_eq!(handle.get_connect_retry().unwrap(), None);
    let minute = Some(Duration::from_secs(60));
    handle.set_connect_retry(minute).unwrap();
    assert_eq!(handle.get_connect_retry().unwrap(), minute);
    let begin = Instant::now();
    thread::scope(|scope| {
        let server = scope.spawn(|| {
            thread::sleep(Duration::from_millis(100));
            embedded_server::spawn_unix(Config::default(), &socket).unwrap()
        });
        handle.connect_unix(&socket).unwrap();
        assert!(begin.elapsed() >= Duration::from_millis(100));
        handle.shutdown(0).unwrap();
        drop(server.join().unwrap());
    });
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn a_race_has_a_delay() {
    let handle = Handle::new();
    assert_eq!(handle.get_address_race().unwrap(), None);
    let delay = Some(Duration::from_millis(250));
    handle.set_address_race(delay).unwrap();
    assert_eq!(handle.get_address_race().unwrap(), delay);
    let error = handle.set_address_race(Some(Duration::ZERO)).unwrap_err();
    assert_eq!(error.errno(), libc::EINVAL);
}

#[test]
fn the_address_family_is_kept_to() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let handle = Handle::new();
    assert_eq!(handle.get_address_family().unwrap(), libc::AF_UNSPEC);
    let error = handle.set_address_family(libc::AF_UNIX).unwrap_err();
    assert_eq!(error.errno(), libc::EINVAL);
    handle.set_address_family(libc::AF_INET6).unwrap();
    handle.connect_tcp("127.0.0.1", &port).unwrap_err();
    handle.set_address_family(libc::AF_INET).unwrap();
    assert_eq!(handle.get_address_family().unwrap(), libc::AF_INET);
    handle.aio_connect_tcp("127.0.0.1", &port).unwrap();
    listener.accept().unwrap();
}

/// Follows a script after the handshake.
fn scripted(steps: &str) -> Handle {
    connected_to(Config {
        replies: Replies::Simple,
        script: Some(format!("handshake\n{steps}").parse().unwrap()),
        ..Config::default()
    })
}

#[test]
fn a_limit_is_a_duration() {
    let handle = Handle::new();
    let limit = Duration::from_micros(1500);
    for which in [
        libnbd::TIMEOUT_CONNECT,
        libnbd::TIMEOUT_CALL,
        libnbd::TIMEOUT_SILENCE,
    ] {
        assert_eq!(handle.get_timeout(which).unwrap(), None);
        handle.set_timeout(which, Some(limit)).unwrap();
        assert_eq!(handle.get_timeout(which).unwrap(), Some(limit));
        let error = handle.set_timeout(which, Some(Duration::ZERO)).unwrap_err();
        assert_eq!(error.errno(), libc::EINVAL);
        handle.set_timeout(which, Some(Duration::MAX)).unwrap();
        assert_eq!(handle.get_timeout(which).unwrap(), Some(Duration::MAX));
        handle.set_timeout(which, None).unwrap();
        assert_eq!(handle.get_timeout(which).unwrap(), None);
    }
    let error = handle.set_timeout(0, Some(limit)).unwrap_err();
    assert_eq!(error.errno(), libc::EINVAL);
}

#[test]
fn a_borrowed_buffer_comes_back_when_the_time_is_over() {
    let handle = scripted(
        "read-request READ\nread-request READ\nsimple @1 0 fill:1*512\n\
         simple @2 0 fill:2*512\nwait-eof\n",
    );
    let mut late = [7; 512];
    handle
        .set_timeout(libnbd::TIMEOUT_CALL, Some(Duration::from_millis(30)))
        .unwrap();
    let started = Instant::now();
    let mut chunks = 0;
    let count = ChunkCallback::new(|_| {
        chunks += 1;
        Ok(())
    });
    let error = handle.pread_structured(&mut late, 0, count, 0).unwrap_err();
    assert!(started.elapsed() >= Duration::from_millis(30));
    assert_eq!((error.errno(), chunks), (libc::ETIMEDOUT, 0));
    assert!(error.to_string().contains("30 ms"), "{error}");
    let late = [3; 512];
    handle.set_timeout(libnbd::TIMEOUT_CALL, None).unwrap();
    let mut next = [0; 512];
    handle.pread(&mut next, 0, 0).unwrap();
    assert_eq!((late, next), ([3; 512], [2; 512]));
}

#[test]
fn an_owned_buffer_is_freed_when_the_command_is_given_up() {
    let handle = scripted("read-request READ\nread-request READ\nwait-eof\n");
    let (tell, told) = mpsc::channel();
    let read = |tell: mpsc::Sender<_>| {
        let done = CompletionCallback::new(move |result: libnbd::Result<Vec<u8>>| {
            tell.send(result.unwrap_err().errno()).unwrap();
        });
        handle.aio_pread(vec![0; 512], 0, done, 0).unwrap()
    };
    let cookie = read(tell.clone());
    assert_eq!(handle.aio_get_timeout().unwrap(), None);
    handle.aio_cancel_command(cookie).unwrap();
    assert_eq!(told.try_recv(), Ok(libc::ECANCELED));
    let error = handle.aio_cancel_command(cookie).unwrap_err();
    assert_eq!(error.errno(), libc::ENOENT);
    handle
        .set_timeout(libnbd::TIMEOUT_CALL, Some(Duration::from_millis(1)))
        .unwrap();
    read(tell);
    let left = handle.aio_get_timeout().unwrap().unwrap();
    thread::sleep(left);
    assert_eq!(handle.aio_get_timeout().unwrap(), Some(Duration::ZERO));
    handle.aio_notify_timeout().unwrap();
    assert_eq!(told.try_recv(), Ok(libc::ETIMEDOUT));
    assert_eq!(handle.aio_in_flight().unwrap(), 0);
}

#[test]
fn credentials_are_given_as_bytes_and_strings() {
    let handle = Handle::new();
    handle.set_tls_psk("alice", b"\x00\x01").unwrap();
    handle.set_tls_psk(c"alice", &[7; 512][..]).unwrap();
    handle.set_tls_key_password("word").unwrap();
    handle.set_tls_key_password(&String::from("word")).unwrap();
    let error = handle.set_tls_psk("alice", &[7; 513]).unwrap_err();
    assert_eq!(error.errno(), libc::EINVAL);
    let error = handle
        .set_tls_pem(libnbd::PEM_CA, "\n-----BEGIN CERTIFICATE-----\n")
        .unwrap_err();
    assert_eq!(error.errno(), libc::EINVAL);
    assert!(error.to_string().contains("line 2: "), "{error}");
    let error = handle.set_tls_pem(5, b"").unwrap_err();
    assert_eq!(error.errno(), libc::EINVAL);
    let connected = connected();
    connected.set_tls_psk("alice", b"key").unwrap_err();
}
