//! Starting a program, between fork and exec.
//!
//! A child that another thread forks has a copy of every descriptor of this
//! process, closed on exec or not, and if it runs no other program it keeps them
//! for as long as it lives.  So whatever is to have its end with the program is
//! made by the child itself, after the fork, and no copy of it can get anywhere
//! else: its half of the socket pair or the listening socket, and the writing end
//! of the pipe that exec closes.  What the parent needs of all that comes over a
//! channel.  Copies of the channel do no harm, because its end means nothing.  So
//! threads that start programs at once, or fork in any other way, neither disturb
//! nor wait for each other.
//!
//! Keeping other threads from forking meanwhile is no alternative.  This thread
//! forks as well, so it runs the handlers that the program has for that.  If one
//! takes a lock, a thread that has taken it, and waits inside the same fork for
//! us, would never go on.  (glibc before 2.36 takes such a lock itself.)

use std::ffi::{CStr, CString, c_char, c_int};
use std::fs::File;
use std::io::{self, Read};
use std::iter;
use std::mem::offset_of;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::slice;
use std::time::{Duration, Instant};

use super::address::SocketAddress;
use super::descriptor::pipe;
use super::process::environment_pointer;
use super::{
    Wait, above, above_stdio, block_signals, checked, counted, default_signals, has_ended, length,
    listen, pair, poll, socket_pair, uninterrupted,
};

/// A program to start.
pub struct Program<'a> {
    /// As the program sees it.
    pub name: &'a CStr,
    pub arguments: &'a [CString],
    /// Where the program may be; the first that can be run is it.
    pub paths: &'a [CString],
    pub handed: Handed<'a>,
    /// What a failure leaves on standard error.
    pub message: &'a [u8],
}

/// What a program finds when it starts.
pub enum Handed<'a> {
    /// One half of a socket pair, under these descriptors; the environment is
    /// that of this process.
    HalfOfPair { targets: &'a [RawFd] },
    /// A Unix domain socket that accepts connections at an address, and an
    /// environment, to which the variable of the process id is added.
    Listener {
        address: &'a SocketAddress,
        target: RawFd,
        environment: &'a [CString],
    },
}

impl Handed<'_> {
    /// The descriptors under which the program finds its socket.
    fn targets(&self) -> &[RawFd] {
        match self {
            Self::HalfOfPair { targets } => targets,
            Self::Listener { target, .. } => slice::from_ref(target),
        }
    }
}

/// The kind of the channel, which keeps messages apart.
#[cfg(not(target_vendor = "apple"))]
const CHANNEL: c_int = libc::SOCK_SEQPACKET;
/// macOS has only one such kind of Unix socket.
#[cfg(target_vendor = "apple")]
const CHANNEL: c_int = libc::SOCK_DGRAM;

/// Starts a program.  Whether it can be run, the child reports.
pub fn start(program: &Program) -> io::Result<Child> {
    let (ours, theirs) = pair(CHANNEL)?;
    // Everything that allocates happens before the fork: in a program with
    // several threads, the child may only make async-signal-safe calls.
    let arguments = || program.arguments.iter().map(CString::as_c_str);
    let mut image = Image {
        handed: &program.handed,
        candidates: pointers(program.paths.iter().map(CString::as_c_str)),
        argv: pointers(iter::once(program.name).chain(arguments())),
        // sh, the script, its arguments.
        script: pointers([program.name, c""].into_iter().chain(arguments())),
        environment: match program.handed {
            Handed::HalfOfPair { .. } => None,
            // The process id, which only the child knows, comes first.
            Handed::Listener { environment, .. } => {
                let variables = environment.iter().map(CString::as_c_str);
                Some(pointers(iter::once(c"").chain(variables)))
            }
        },
        channel: theirs,
        message: program.message,
    };
    // The child must not run handlers of this program: they would act on what
    // both share, such as a pipe that wakes the main loop.
    let signals = block_signals();
    // SAFETY: the child only calls `run`, which keeps to what is safe there
    // and never returns.
    let pid = checked(unsafe { libc::fork() })?;
    if pid == 0 {
        // SAFETY: this is the child, and the parent's memory is copied whole,
        // so every pointer in the image is as good as it was.
        unsafe { image.run() }
    }
    drop(signals);
    Ok(Child { pid, channel: ours })
}

/// Pointers to strings, ended by a null pointer, as exec wants them.
fn pointers<'a>(strings: impl Iterator<Item = &'a CStr>) -> Vec<*const c_char> {
    strings.map(CStr::as_ptr).chain([ptr::null()]).collect()
}

/// A child that becomes a program.
#[derive(Debug)]
pub struct Child {
    pid: libc::pid_t,
    channel: OwnedFd,
}

impl Child {
    /// The process id.
    pub fn pid(&self) -> libc::pid_t {
        self.pid
    }

    /// Waits until the program runs, or is known not to.  Once the caller is
    /// cancelled and has shut down the descriptor of the child, this fails with
    /// `ECANCELED`; and with `ETIMEDOUT` if the deadline comes first.
    pub fn outcome(
        &self,
        is_cancelled: impl Fn() -> bool,
        deadline: Option<Instant>,
    ) -> io::Result<()> {
        /// A child reports within this time, or has perhaps been killed.
        const USUAL: Duration = Duration::from_millis(100);

        let check = || match is_cancelled() {
            true => Err(io::Error::from_raw_os_error(libc::ECANCELED)),
            false => Ok(()),
        };
        let channel = |events| Wait {
            fd: self.channel.as_raw_fd(),
            events,
        };
        let waits = || [channel(libc::POLLIN)];
        check()?;
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let time = left.map_or(USUAL, |left| left.min(USUAL));
            if poll(waits(), Some(time))?.is_some() {
                break;
            }
            if left.is_some_and(|left| left.is_zero()) {
                return Err(io::Error::from_raw_os_error(libc::ETIMEDOUT));
            }
            if has_ended(self.pid) && poll(waits(), Some(Duration::ZERO))?.is_none() {
                return Err(io::Error::from_raw_os_error(libc::ECONNRESET));
            }
            check()?;
        }
        check()?;
        let report = receive(&self.channel)?;
        let reported = Wait {
            fd: report.as_raw_fd(),
            events: libc::POLLIN,
        };
        // The channel hangs up when it is shut down, and also when exec is about
        // to close the pipe.
        let both = poll([reported, channel(0)], None)?;
        check()?;
        if both.is_some_and(|[report, _]| report == 0) {
            poll([reported], None)?;
        }
        let mut errno = [0; size_of::<c_int>()];
        match File::from(report).read_exact(&mut errno) {
            Ok(()) => Err(io::Error::from_raw_os_error(c_int::from_ne_bytes(errno))),
            // A successful exec closes the only writing end.
            Err(_) => Ok(()),
        }
    }

    /// The other half of the socket pair of a program that runs.
    pub fn session(&self) -> io::Result<OwnedFd> {
        receive(&self.channel)
    }
}

impl AsFd for Child {
    /// The channel.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }
}

/// All that the child needs between fork and exec.
struct Image<'a> {
    handed: &'a Handed<'a>,
    /// Paths, then a null pointer.
    candidates: Vec<*const c_char>,
    /// Arguments, then a null pointer.
    argv: Vec<*const c_char>,
    /// Arguments for sh if the program is a script without `#!`, with a place
    /// for the path as the second one.
    script: Vec<*const c_char>,
    /// Variables, then a null pointer, with a place for that of the process id
    /// as the first one.  Without it the parent's environment is inherited.
    environment: Option<Vec<*const c_char>>,
    /// Where the parent receives what the child has made.
    channel: OwnedFd,
    /// What a failure leaves on standard error.
    message: &'a [u8],
}

impl Image<'_> {
    /// Becomes the program.
    ///
    /// # Safety
    /// Only for a child between fork and exec; the vectors must be as
    /// described, and what they point to must be strings.
    unsafe fn run(&mut self) -> ! {
        let errno = match self.make_descriptors() {
            Ok(reporter) => {
                // SAFETY: by the contract of this function.
                let errno = unsafe { self.exec() };
                let report = errno.to_ne_bytes();
                // SAFETY: the report may be read; async-signal-safe.
                unsafe { libc::write(reporter.as_raw_fd(), report.as_ptr().cast(), report.len()) };
                errno
            }
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or(libc::EIO);
                // The parent sees at least that the child has ended.
                let _ = send(&self.channel, Err(errno));
                errno
            }
        };
        // SAFETY: the message is as long as said; `_exit` runs nothing of the
        // parent.
        unsafe {
            libc::write(
                libc::STDERR_FILENO,
                self.message.as_ptr().cast(),
                self.message.len(),
            );
            libc::_exit(if errno == libc::ENOENT { 127 } else { 126 })
        }
    }

    /// Makes the sockets and the pipe, sends the parent its ends of them, and
    /// puts the program's socket where the program finds it.  What is left is
    /// where the errno of a failure goes.
    ///
    /// All of this is async-signal-safe: none of it allocates.
    fn make_descriptors(&self) -> io::Result<OwnedFd> {
        let targets = self.handed.targets().iter().copied();
        let highest = targets.clone().fold(libc::STDERR_FILENO, RawFd::max);
        let (report, reporter) = pipe()?;
        // Above all descriptors that are replaced or filled.
        let reporter = above(highest, reporter)?;
        let (ours, theirs) = match self.handed {
            Handed::HalfOfPair { .. } => {
                let (ours, theirs) = socket_pair()?;
                (Some(ours), theirs)
            }
            Handed::Listener { address, .. } => (None, listen(address)?),
        };
        let theirs = above(highest, theirs)?;
        send(&self.channel, Ok(&report))?;
        // Now, because its number may be one that is replaced below.
        drop(report);
        if let Some(ours) = ours {
            send(&self.channel, Ok(&ours))?;
        }
        for target in targets {
            // SAFETY: no memory is involved; async-signal-safe.
            unsafe { libc::dup2(theirs.as_raw_fd(), target) };
        }
        Ok(reporter)
    }

    /// Becomes the program, or returns why not.
    ///
    /// # Safety
    /// As `run`.
    unsafe fn exec(&mut self) -> c_int {
        // SAFETY: by the contract of this function.
        unsafe { fill_stdio() };
        // SAFETY: no thread but this one, which is about to become a program.
        unsafe { default_signals() };
        // SAFETY: as above.
        let process_id = ProcessId::new(unsafe { libc::getpid() });
        let environment = match &mut self.environment {
            Some(variables) => {
                if let Some(place) = variables.first_mut() {
                    *place = process_id.as_ptr();
                }
                variables.as_ptr()
            }
            None => environment_pointer(),
        };
        let mut errno = libc::ENOENT;
        for &path in self.candidates.iter().take_while(|path| !path.is_null()) {
            // SAFETY: by the contract of this function.
            unsafe { libc::execve(path, self.argv.as_ptr(), environment) };
            errno = super::errno();
            if errno == libc::ENOEXEC {
                if let Some(place) = self.script.get_mut(1) {
                    *place = path;
                }
                // SAFETY: as above; `script` ends in the null pointer of argv.
                unsafe { libc::execve(c"/bin/sh".as_ptr(), self.script.as_ptr(), environment) };
                errno = super::errno();
            }
            // Anything else means that the program is there but cannot be run.
            if !matches!(
                errno,
                libc::EACCES | libc::ELOOP | libc::ENAMETOOLONG | libc::ENOENT | libc::ENOTDIR
            ) {
                break;
            }
        }
        errno
    }
}

/// Opens those of the first three descriptors that are closed.  Otherwise the
/// server would open its disk under one of these numbers, and write its error
/// messages to it.
///
/// # Safety
/// As `Image::run`.
unsafe fn fill_stdio() {
    for fd in libc::STDIN_FILENO..=libc::STDERR_FILENO {
        // SAFETY: no memory is involved; async-signal-safe.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } == -1 {
            // SAFETY: as above; the path is a string.  The new descriptor is
            // the lowest that is free: this one.
            unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) };
        }
    }
}

/// The variable with the process id of an activated server.
///
/// It can be made between fork and exec: it allocates nothing.
#[derive(Debug)]
struct ProcessId([u8; ProcessId::ROOM]);

impl ProcessId {
    const NAME: &[u8] = b"LISTEN_PID=";
    /// The name, the digits of any number, and the terminator.
    const ROOM: usize = 32;

    /// The variable for a process.
    fn new(pid: libc::pid_t) -> Self {
        let mut digits = [0; 10];
        let mut rest = pid.unsigned_abs();
        for digit in digits.iter_mut().rev() {
            *digit = b'0'.saturating_add(u8::try_from(rest % 10).unwrap_or(0));
            rest /= 10;
        }
        let significant = digits.iter().skip_while(|&&digit| digit == b'0');
        let mut text = [0; Self::ROOM];
        for (place, byte) in text.iter_mut().zip(Self::NAME.iter().chain(significant)) {
            *place = *byte;
        }
        Self(text)
    }

    /// The variable as a string.
    fn as_ptr(&self) -> *const c_char {
        self.0.as_ptr().cast()
    }
}

/// A message on the channel: zero and a descriptor, or an errno.
#[repr(C)]
struct Message {
    errno: c_int,
    rights: Rights,
}

/// A control message with one descriptor, as the system lays it out.
#[repr(C)]
struct Rights {
    header: libc::cmsghdr,
    // The data is aligned like a long.
    #[cfg(all(target_os = "freebsd", target_pointer_width = "64"))]
    padding: u32,
    fd: c_int,
}

impl Rights {
    /// Without what pads the structure, as `CMSG_LEN` counts.
    const LEN: usize = offset_of!(Rights, fd).saturating_add(size_of::<c_int>());
}

// The system's own computation agrees.
const _: () = {
    // SAFETY: computes a sum.
    let len = unsafe { libc::CMSG_LEN(4) };
    assert!(size_of::<c_int>() == 4 && len as usize == Rights::LEN);
};

/// Sends a descriptor, or why there is none.  Nothing is allocated.
fn send(channel: &OwnedFd, content: Result<&OwnedFd, c_int>) -> io::Result<()> {
    let (errno, fd) = match content {
        Ok(fd) => (0, Some(fd.as_raw_fd())),
        Err(errno) => (errno, None),
    };
    let mut message = Message::new(errno, fd.unwrap_or(-1));
    message.transfer(|header| {
        if fd.is_none() {
            header.msg_controllen = 0;
        }
        // SAFETY: the header names parts of `message`, with their lengths.
        unsafe { libc::sendmsg(channel.as_raw_fd(), header, libc::MSG_NOSIGNAL) }
    })?;
    Ok(())
}

/// Receives a descriptor that has been sent.
fn receive(channel: &OwnedFd) -> io::Result<OwnedFd> {
    #[cfg(not(target_vendor = "apple"))]
    let flags = libc::MSG_CMSG_CLOEXEC | libc::MSG_DONTWAIT;
    #[cfg(target_vendor = "apple")]
    let flags = libc::MSG_DONTWAIT;
    let mut message = Message::new(libc::ECONNRESET, -1);
    message.transfer(|header| {
        // SAFETY: the header names parts of `message`, with their lengths.
        unsafe { libc::recvmsg(channel.as_raw_fd(), header, flags) }
    })?;
    match (message.errno, message.rights.fd) {
        // This process has no room for one more.
        (0, -1) => Err(io::Error::from_raw_os_error(libc::EMFILE)),
        (0, fd) => {
            // SAFETY: the descriptor has just been received, and nobody else owns it.
            let received = unsafe { OwnedFd::from_raw_fd(fd) };
            #[cfg(target_vendor = "apple")]
            super::descriptor::close_on_exec(fd)?;
            above_stdio(received)
        }
        (errno, _) => Err(io::Error::from_raw_os_error(errno)),
    }
}

impl Message {
    fn new(errno: c_int, fd: c_int) -> Self {
        // SAFETY: all zeroes are a control message, though an odd one.
        let mut header: libc::cmsghdr = unsafe { std::mem::zeroed() };
        header.cmsg_len = length(Rights::LEN);
        header.cmsg_level = libc::SOL_SOCKET;
        header.cmsg_type = libc::SCM_RIGHTS;
        Self {
            errno,
            rights: Rights {
                header,
                #[cfg(all(target_os = "freebsd", target_pointer_width = "64"))]
                padding: 0,
                fd,
            },
        }
    }

    /// Has the message sent or received.
    fn transfer(&mut self, mut call: impl FnMut(&mut libc::msghdr) -> isize) -> io::Result<usize> {
        let mut data = libc::iovec {
            iov_base: (&raw mut self.errno).cast(),
            iov_len: size_of::<c_int>(),
        };
        // SAFETY: all-zero bytes are a valid, empty message header.
        let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
        header.msg_iov = &mut data;
        header.msg_iovlen = 1;
        header.msg_control = (&raw mut self.rights).cast();
        header.msg_controllen = length(Rights::LEN);
        uninterrupted(|| counted(call(&mut header)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_channel_carries_descriptors_and_errors() {
        let (ours, theirs) = pair(CHANNEL).unwrap();
        let errno = |result: io::Result<OwnedFd>| result.unwrap_err().raw_os_error();
        assert_eq!(errno(receive(&ours)), Some(libc::EAGAIN));
        let (reader, writer) = pipe().unwrap();
        send(&theirs, Ok(&writer)).unwrap();
        drop(writer);
        send(&theirs, Err(libc::ENFILE)).unwrap();
        let mut writer = File::from(receive(&ours).unwrap());
        writer.write_all(b"x").unwrap();
        drop(writer);
        let mut text = String::new();
        File::from(reader).read_to_string(&mut text).unwrap();
        assert_eq!(text, "x");
        assert_eq!(errno(receive(&ours)), Some(libc::ENFILE));
        drop(theirs);
        assert_eq!(errno(receive(&ours)), Some(libc::ECONNRESET));
    }

    #[test]
    fn a_process_id_is_written_in_decimal() {
        for pid in [1, 10, 4096, 12_345, i32::MAX] {
            let variable = ProcessId::new(pid);
            let text = CStr::from_bytes_until_nul(&variable.0).unwrap();
            assert_eq!(text.to_str().unwrap(), format!("LISTEN_PID={pid}"));
        }
    }
}
