//! The program: it makes calls, and notes everything that it is told.
//!
//! Its closures notice when they are called or freed once too often, too late
//! or not at all, and when they are shown memory that is not theirs.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use crate::allocator::{callback, library};
use crate::c;
use crate::call::{Call, Command, Limited, Opt, Setting, Verb};
use crate::clock;
use crate::replay::{Pace, replay};
use crate::session::Session;

/// What memory holds that nobody has filled.  No session contains it, so a
/// program that sees it has been shown what was not sent.
pub const STALE: u8 = 0xaa;

/// What surrounds the memory of a command, and must not change.
const GUARD: [u8; 64] = [0x5b; 64];

/// A handle, and what its program has seen.
#[derive(Debug)]
pub struct Caller {
    handle: *mut c::Handle,
    log: Log,
    told: Vec<Rc<Told>>,
    /// Buffers of the reads that follow are zeroed before they are filled.
    initialize: bool,
    /// Whatever waits was cancelled.
    cancelled: bool,
}

type Log = Rc<RefCell<Vec<String>>>;

/// What became of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Everything that it was told, in order.
    pub log: Vec<String>,
    /// What the memory of each command contains.
    pub memory: Vec<Vec<u8>>,
}

/// The user data of the closures of one command or option.
#[derive(Debug)]
struct Told {
    number: usize,
    log: Log,
    /// Between two guards.
    memory: RefCell<Vec<u8>>,
    command: Option<Command>,
    /// Its memory is zeroed before it is filled.
    initialize: bool,
    life: RefCell<Life>,
}

/// What has happened to the closures of one command or option.
#[derive(Debug, Default)]
struct Life {
    /// The library has accepted the command or option.
    accepted: bool,
    /// There is a closure that is called along the way.
    along: bool,
    along_freed: bool,
    completed: Option<c_int>,
    /// What the memory contained at completion.
    shown: Vec<u8>,
    freed: bool,
}

/// Calls a function of the library with the handle in front.
macro_rules! call {
    ($caller:expr, $function:ident($($argument:expr),*)) => {{
        let handle = $caller.handle;
        // SAFETY: the handle is open; strings and memory outlive what uses
        // them, because the caller keeps them until it has closed the handle;
        // so does the user data of closures.
        library(|| unsafe { c::$function(handle, $($argument),*) })
    }};
}

impl Default for Caller {
    fn default() -> Self {
        // SAFETY: there are no conditions.
        let handle = library(|| unsafe { c::nbd_create() });
        assert!(!handle.is_null(), "no handle");
        Self {
            handle,
            log: Log::default(),
            told: Vec::new(),
            initialize: true,
            cancelled: false,
        }
    }
}

impl Caller {
    /// Makes a call and notes its result.  `socket` is what it connects to.
    pub fn perform(&mut self, call: &Call, socket: &mut Option<OwnedFd>) {
        let result = match call {
            Call::Set(setting, value) => self.set(*setting, *value),
            Call::Export(name) => {
                let name = c_string(name);
                call!(self, nbd_set_export_name(name.as_ptr())).into()
            }
            Call::Context(name) => {
                let name = c_string(name);
                call!(self, nbd_add_meta_context(name.as_ptr())).into()
            }
            Call::Connect => self.connect(socket).into(),
            Call::Option(option) => self.option(*option).into(),
            Call::Command(command) => self.command(*command),
            Call::Disconnect => call!(self, nbd_aio_disconnect(0)).into(),
            Call::Limit(on, time) => self.limit(*on, *time).into(),
            Call::Wait(time) => self.wait(*time).into(),
            Call::CancelCommand(cookie) => {
                call!(self, nbdx_aio_cancel_command(i64::from(*cookie))).into()
            }
            Call::Cancel => {
                self.cancelled = true;
                call!(self, nbdx_cancel()).into()
            }
        };
        match result {
            -1 => self.note_error(&call.to_string()),
            result => self.note(format!("{call}: {result}")),
        }
    }

    /// Whoever connects again has no socket any more.
    fn connect(&self, socket: &mut Option<OwnedFd>) -> c_int {
        let number = socket.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        let result = call!(self, nbd_aio_connect_socket(number));
        // A handle that had been cancelled does not take it.
        if !(result == -1 && self.cancelled) {
            let _ = socket.take().map(IntoRawFd::into_raw_fd);
        }
        result
    }

    fn limit(&self, on: Limited, time: u32) -> c_int {
        let which = match on {
            Limited::Connect => 1,
            Limited::Call => 2,
            Limited::Silence => 3,
        };
        call!(self, nbdx_set_timeout(which, i64::from(time)))
    }

    /// What a main loop does that has slept.  When the time is over, the library
    /// acts on it, so that the loop does not go on without sleeping.
    fn wait(&self, time: u32) -> c_int {
        clock::advance(Duration::from_millis(time.into()));
        for _ in 0..4 {
            let left = call!(self, nbdx_aio_get_timeout());
            self.note(format!("{left} ms left"));
            let result = call!(self, nbdx_aio_notify_timeout());
            if left != 0 || result == -1 {
                return result;
            }
        }
        panic!("a limit that has passed is not applied");
    }

    fn set(&mut self, setting: Setting, value: u32) -> i64 {
        let on = value != 0;
        let result = match setting {
            Setting::OptMode => call!(self, nbd_set_opt_mode(on)),
            Setting::StructuredReplies => call!(self, nbd_set_request_structured_replies(on)),
            Setting::ExtendedHeaders => call!(self, nbd_set_request_extended_headers(on)),
            Setting::MetaContext => call!(self, nbd_set_request_meta_context(on)),
            Setting::BlockSize => call!(self, nbd_set_request_block_size(on)),
            Setting::FullInfo => call!(self, nbd_set_full_info(on)),
            Setting::Initialize => {
                self.initialize = on;
                call!(self, nbd_set_pread_initialize(on))
            }
            Setting::HandshakeFlags => call!(self, nbd_set_handshake_flags(value)),
            Setting::Strict => call!(self, nbd_set_strict_mode(value)),
            Setting::Tls => call!(self, nbd_set_tls(i32::try_from(value).unwrap_or(-1))),
        };
        result.into()
    }

    fn option(&mut self, option: Opt) -> c_int {
        let along = matches!(option, Opt::List | Opt::ListContexts | Opt::SetContexts);
        if option == Opt::Abort {
            return call!(self, nbd_aio_opt_abort());
        }
        let told = self.tell(None, along);
        let done = told.completion();
        let result = match option {
            Opt::Go => call!(self, nbd_aio_opt_go(done)),
            Opt::Info => call!(self, nbd_aio_opt_info(done)),
            Opt::Abort => unreachable!("it has no completion"),
            Opt::List => call!(self, nbd_aio_opt_list(told.closure(on_list), done)),
            Opt::StartTls => call!(self, nbd_aio_opt_starttls(done)),
            Opt::ExtendedHeaders => call!(self, nbd_aio_opt_extended_headers(done)),
            Opt::StructuredReply => call!(self, nbd_aio_opt_structured_reply(done)),
            Opt::ListContexts => {
                let each: c::Context = told.closure(on_context);
                call!(self, nbd_aio_opt_list_meta_context(each, done))
            }
            Opt::SetContexts => {
                let each: c::Context = told.closure(on_context);
                call!(self, nbd_aio_opt_set_meta_context(each, done))
            }
        };
        told.life.borrow_mut().accepted = result != -1;
        result
    }

    fn command(&mut self, command: Command) -> i64 {
        let Command {
            verb,
            count,
            offset,
            flags,
        } = command;
        let along = matches!(
            verb,
            Verb::ReadChunks | Verb::Status | Verb::Status64 | Verb::StatusFilter
        );
        let told = self.tell(Some(command), along);
        let done = told.completion();
        let memory = told.start();
        let size = usize::try_from(count).expect("a size");
        let count = u64::from(count);
        let result = match verb {
            Verb::Read => call!(self, nbd_aio_pread(memory, size, offset, done, flags)),
            Verb::ReadChunks => {
                let chunk: c::Chunk = told.closure(on_chunk);
                call!(
                    self,
                    nbd_aio_pread_structured(memory, size, offset, chunk, done, flags)
                )
            }
            Verb::Write => call!(self, nbd_aio_pwrite(memory, size, offset, done, flags)),
            Verb::Flush => call!(self, nbd_aio_flush(done, flags)),
            Verb::Trim => call!(self, nbd_aio_trim(count, offset, done, flags)),
            Verb::Cache => call!(self, nbd_aio_cache(count, offset, done, flags)),
            Verb::Zero => call!(self, nbd_aio_zero(count, offset, done, flags)),
            Verb::Status => {
                let extents: c::Extents = told.closure(on_extents);
                call!(
                    self,
                    nbd_aio_block_status(count, offset, extents, done, flags)
                )
            }
            Verb::Status64 => {
                let extents: c::Extents64 = told.closure(on_extents64);
                call!(
                    self,
                    nbd_aio_block_status_64(count, offset, extents, done, flags)
                )
            }
            Verb::StatusFilter => {
                let wanted = [c"base:allocation".as_ptr(), std::ptr::null()];
                let wanted = wanted.as_ptr();
                let extents: c::Extents64 = told.closure(on_extents64);
                call!(
                    self,
                    nbd_aio_block_status_filter(count, offset, wanted, extents, done, flags)
                )
            }
        };
        told.life.borrow_mut().accepted = result != -1;
        result
    }

    /// Prepares memory and closures.
    fn tell(&mut self, command: Option<Command>, along: bool) -> Rc<Told> {
        let size = |command: Command| usize::try_from(command.count).expect("a size");
        let content = match command {
            Some(command) if command.verb == Verb::Write => {
                (0u8..=127).cycle().take(size(command)).collect()
            }
            Some(command) if matches!(command.verb, Verb::Read | Verb::ReadChunks) => {
                vec![STALE; size(command)]
            }
            _ => Vec::new(),
        };
        let life = Life {
            along,
            ..Life::default()
        };
        let told = Rc::new(Told {
            number: self.told.len() + 1,
            log: Rc::clone(&self.log),
            memory: [&GUARD[..], &content, &GUARD].concat().into(),
            command,
            initialize: self.initialize,
            life: life.into(),
        });
        self.told.push(Rc::clone(&told));
        told
    }

    fn note(&self, text: String) {
        self.log.borrow_mut().push(text);
    }

    fn note_error(&self, call: &str) {
        // SAFETY: there are no conditions.
        let errno = library(|| unsafe { c::nbd_get_errno() });
        // SAFETY: as above.
        let text = library(|| unsafe { c::nbd_get_error() });
        assert!(!text.is_null(), "{call}: failed without an error");
        // SAFETY: the text is valid until the next call.
        let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
        self.note(format!("{call}: {errno}, {text}"));
    }

    /// Lets the library work without waiting, once.  Returns whether it found
    /// something to do.
    pub fn turn(&self) -> bool {
        match call!(self, nbd_poll(0)) {
            -1 => {
                self.note_error("poll");
                false
            }
            count => count > 0,
        }
    }

    /// Whether there is a socket to poll.
    pub fn can_poll(&self) -> bool {
        let label = call!(self, nbd_connection_state());
        // SAFETY: the label is static.
        let label = unsafe { CStr::from_ptr(label) }.to_bytes();
        ![b"START".as_slice(), b"NEGOTIATING", b"CLOSED", b"DEAD"]
            .iter()
            .any(|state| label.starts_with(state))
    }

    /// Whether an option or a command is in progress.
    pub fn is_waiting(&self) -> bool {
        call!(self, nbd_aio_is_connecting()) == 1 || call!(self, nbd_aio_in_flight()) > 0
    }

    /// How many bytes the command with this cookie reads.
    pub fn read_size(&self, cookie: u64) -> usize {
        let mut commands = self.told.iter().filter_map(|told| told.command);
        let nth = usize::try_from(cookie)
            .ok()
            .and_then(|nth| nth.checked_sub(1));
        match nth.and_then(|nth| commands.nth(nth)) {
            Some(command) if matches!(command.verb, Verb::Read | Verb::ReadChunks) => {
                usize::try_from(command.count).expect("a size")
            }
            _ => 0,
        }
    }

    /// What the library should have known about the export, in the end.
    fn note_state(&self) {
        let label = call!(self, nbd_connection_state());
        // SAFETY: the label is static.
        let label = unsafe { CStr::from_ptr(label) }.to_string_lossy();
        self.note(format!("state {label}"));
        let size = call!(self, nbd_get_size());
        let sizes: Vec<i64> = (0..4)
            .map(|which| call!(self, nbd_get_block_size(which)))
            .collect();
        self.note(format!("size {size}, blocks {sizes:?}"));
    }

    /// Closes the handle and checks what must hold, whatever the server sent.
    pub fn finish(self) -> Outcome {
        self.note_state();
        // SAFETY: the handle is open, and not used any more.
        library(|| unsafe { c::nbd_close(self.handle) });
        for told in &self.told {
            told.check();
        }
        Outcome {
            memory: self.told.iter().map(|told| told.content()).collect(),
            log: self.log.take(),
        }
    }
}

/// Uses what the library allocates once and keeps, which would otherwise look
/// like a leak: so many handles at once that later ones use memory again, and TLS
/// with a server that has none.
pub fn warm_up() {
    let callers: Vec<Caller> = (0..100).map(|_| Caller::default()).collect();
    for caller in callers {
        caller.finish();
    }
    let session = Session::parse("warm-up", include_str!("warm-up.session"));
    let session = session.expect("a session");
    replay(&session.steps, Pace::Whole, None);
}

fn c_string(text: &str) -> CString {
    CString::new(text).expect("a text without NUL")
}

impl Told {
    fn user_data(self: &Rc<Self>) -> *mut c_void {
        Rc::as_ptr(self).cast_mut().cast()
    }

    fn completion(self: &Rc<Self>) -> c::Completion {
        c::Closure {
            function: Some(on_completion),
            user_data: self.user_data(),
            free: Some(on_free),
        }
    }

    /// A closure that is called along the way.
    fn closure<F>(self: &Rc<Self>, function: F) -> c::Closure<F> {
        c::Closure {
            function: Some(function),
            user_data: self.user_data(),
            free: Some(on_free_along),
        }
    }

    /// Where the memory of the command begins.
    fn start(&self) -> *mut c_void {
        self.memory.borrow_mut()[GUARD.len()..].as_mut_ptr().cast()
    }

    /// The memory of the command; fails if a guard was touched.
    fn content(&self) -> Vec<u8> {
        let memory = self.memory.borrow();
        let (before, rest) = memory.split_at(GUARD.len());
        let (content, behind) = rest.split_at(rest.len() - GUARD.len());
        assert_eq!(before, GUARD, "written before the memory");
        assert_eq!(behind, GUARD, "written behind the memory");
        content.to_vec()
    }

    fn note(&self, text: impl std::fmt::Display) {
        let text = format!("{}: {text}", self.number);
        self.log.borrow_mut().push(text);
    }

    /// A closure is called along the way.
    fn along(&self, text: impl std::fmt::Display) {
        let life = self.life.borrow();
        assert!(life.along && !life.along_freed, "{text}: after its end");
        assert_eq!(life.completed, None, "{text}: after completion");
        self.note(text);
    }

    fn completed(&self, error: c_int) {
        let mut life = self.life.borrow_mut();
        assert_eq!(life.completed, None, "{}: completed again", self.number);
        assert!(!life.freed, "{}: completed after its end", self.number);
        life.completed = Some(error);
        life.shown = self.content();
        self.note(format_args!("completed {error}"));
    }

    /// What must hold at the end.
    fn check(&self) {
        let (life, number) = (self.life.borrow(), self.number);
        assert!(life.freed, "{number}: completion not freed");
        assert_eq!(life.along_freed, life.along, "{number}: closure not freed");
        assert_eq!(
            life.completed.is_some(),
            life.accepted,
            "{number}: accepted and completed differ"
        );
        if !life.accepted {
            return;
        }
        let content = self.content();
        assert!(life.shown == content, "{number}: changed after completion");
        // Whoever asks for it is never shown stale memory, and whoever is told
        // of success has all of the data.
        if self.initialize || life.completed == Some(0) {
            assert!(!content.contains(&STALE), "{number}: stale memory");
        }
    }
}

/// # Safety
/// `data` must come from [`Told::user_data`], and the value still live.
unsafe fn told<'a>(data: *mut c_void) -> &'a Told {
    // SAFETY: by the contract of this function.
    unsafe { &*data.cast::<Told>() }
}

// The library calls closures as they were passed, with an error that can be read
// and written, strings that end, and as many elements as it says.

unsafe extern "C" fn on_completion(data: *mut c_void, error: *mut c_int) -> c_int {
    // SAFETY: as above.
    let (told, error) = unsafe { (told(data), *error) };
    callback(|| told.completed(error));
    1
}

unsafe extern "C" fn on_free(data: *mut c_void) {
    // SAFETY: as above.
    let told = unsafe { told(data) };
    let mut life = told.life.borrow_mut();
    assert!(!life.freed, "{}: freed again", told.number);
    assert_eq!(life.along_freed, life.along, "{}: wrong order", told.number);
    life.freed = true;
}

unsafe extern "C" fn on_free_along(data: *mut c_void) {
    // SAFETY: as above.
    let told = unsafe { told(data) };
    let mut life = told.life.borrow_mut();
    assert!(
        life.along && !life.along_freed,
        "{}: freed again",
        told.number
    );
    life.along_freed = true;
}

unsafe extern "C" fn on_chunk(
    data: *mut c_void,
    part: *const c_void,
    count: usize,
    offset: u64,
    status: c_uint,
    error: *mut c_int,
) -> c_int {
    // SAFETY: as above.
    let (told, error) = unsafe { (told(data), *error) };
    callback(|| {
        let command = told.command.expect("a command");
        let at = part.addr().wrapping_sub(told.start().addr());
        let size = usize::try_from(command.count).expect("a size");
        assert!(
            at <= size && count <= size - at,
            "{}: a chunk outside the memory",
            told.number
        );
        let expected = command.offset.wrapping_add(at as u64);
        assert_eq!(offset, expected, "{}: a chunk elsewhere", told.number);
        told.along(format_args!(
            "chunk {offset}+{count}, status {status}, error {error}"
        ));
    });
    0
}

unsafe extern "C" fn on_extents(
    data: *mut c_void,
    context: *const c_char,
    offset: u64,
    words: *mut u32,
    count: usize,
    error: *mut c_int,
) -> c_int {
    // SAFETY: as above.
    let (told, context, words, error) = unsafe {
        let words = std::slice::from_raw_parts_mut(words, count);
        (told(data), CStr::from_ptr(context), words, *error)
    };
    callback(|| {
        told.along(format_args!(
            "{context:?} {offset}: {words:?}, error {error}"
        ))
    });
    // The caller may use the memory as it likes.
    words.fill(u32::MAX);
    0
}

unsafe extern "C" fn on_extents64(
    data: *mut c_void,
    context: *const c_char,
    offset: u64,
    extents: *mut c::Extent,
    count: usize,
    error: *mut c_int,
) -> c_int {
    // SAFETY: as above.
    let (told, context, extents, error) = unsafe {
        let extents = std::slice::from_raw_parts_mut(extents, count);
        (told(data), CStr::from_ptr(context), extents, *error)
    };
    callback(|| {
        told.along(format_args!(
            "{context:?} {offset}: {extents:?}, error {error}"
        ))
    });
    for extent in extents {
        *extent = c::Extent {
            length: u64::MAX,
            flags: u64::MAX,
        };
    }
    0
}

unsafe extern "C" fn on_list(
    data: *mut c_void,
    name: *const c_char,
    description: *const c_char,
) -> c_int {
    // SAFETY: as above.
    let (told, name, description) = unsafe {
        (
            told(data),
            CStr::from_ptr(name),
            CStr::from_ptr(description),
        )
    };
    callback(|| told.along(format_args!("export {name:?}: {description:?}")));
    0
}

unsafe extern "C" fn on_context(data: *mut c_void, name: *const c_char) -> c_int {
    // SAFETY: as above.
    let (told, name) = unsafe { (told(data), CStr::from_ptr(name)) };
    callback(|| told.along(format_args!("context {name:?}")));
    0
}
