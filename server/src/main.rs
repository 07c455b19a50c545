//! The command `embedded-server`: options, sockets, exit status.

mod arguments;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::os::unix::process::parent_id;
use std::path::Path;
use std::process::{self, ExitCode};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use arguments::{Address, Arguments};
use embedded_server::listen::Listener;
use embedded_server::{Config, End, Event, Observer, serve_stream};

/// The client broke the protocol (with --strict-exit), or did not follow the script.
const EXIT_VIOLATION: u8 = 3;
/// The command line is wrong.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--help" || word == "-h") {
        print!("{}", arguments::USAGE);
        return ExitCode::SUCCESS;
    }
    let result = arguments::parse(words)
        .map_err(|error| (EXIT_USAGE, error))
        .and_then(|mut arguments| {
            let observed = observe(&mut arguments);
            observed
                .and_then(|()| run(&arguments))
                .map_err(|error| (1, error.to_string()))
        });
    match result {
        Ok(code) => code,
        Err((code, error)) => {
            eprintln!("embedded-server: {error}");
            ExitCode::from(code)
        }
    }
}

/// Prints violations, exits on the first one if strict, and writes the log.
fn observe(arguments: &mut Arguments) -> io::Result<()> {
    let strict = arguments.strict_exit;
    let log = match &arguments.log {
        Some(path) => Some(Mutex::new(
            OpenOptions::new().create(true).append(true).open(path)?,
        )),
        None => None,
    };
    arguments.config.observer = Observer(Arc::new(move |event| {
        if let Some(log) = &log {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = writeln!(log, "{event}") {
                eprintln!("embedded-server: log: {error}");
            }
        }
        if let Event::Violation(_) = event {
            eprintln!("embedded-server: {event}");
            if strict {
                process::exit(EXIT_VIOLATION.into());
            }
        }
    }));
    Ok(())
}

fn run(arguments: &Arguments) -> io::Result<ExitCode> {
    if arguments.exit_with_parent {
        watch_parent()?;
    }
    if let Some(path) = &arguments.pid_file {
        publish(path, &process::id().to_string())?;
    }
    let (listener, path) = match &arguments.address {
        Address::Stdio => {
            let socket = io::stdin().as_fd().try_clone_to_owned()?;
            return Ok(serve(socket, &arguments.config));
        }
        Address::Unix(path) => (Listener::unix(path)?, Some(path)),
        Address::Tcp(address) => (Listener::tcp(address)?, None),
        Address::Activation => (Listener::inherited(activation_socket()?)?, None),
    };
    if arguments.address != Address::Activation {
        let uri = listener.uri()?;
        if let Some(path) = &arguments.ready_file {
            publish(path, &uri)?;
        }
        // The reader of this output may be gone.
        let _ = writeln!(io::stdout(), "listening on {uri}").and_then(|()| io::stdout().flush());
    }
    if arguments.once {
        let code = serve(listener.accept()?, &arguments.config);
        if let Some(path) = path {
            std::fs::remove_file(path)?;
        }
        return Ok(code);
    }
    let config = Arc::new(arguments.config.clone());
    loop {
        let client = listener.accept()?;
        let config = config.clone();
        thread::Builder::new().spawn(move || {
            let code = serve(client, &config);
            if code == ExitCode::from(EXIT_VIOLATION) {
                process::exit(EXIT_VIOLATION.into());
            }
        })?;
    }
}

/// Serves one client; returns the exit status for a server that serves only this one.
fn serve(client: OwnedFd, config: &Config) -> ExitCode {
    match serve_stream(client, config) {
        Ok(outcome) if outcome.end == End::ScriptFailed => ExitCode::from(EXIT_VIOLATION),
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("embedded-server: connection: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The socket passed by systemd socket activation, as sd_listen_fds(3) describes it.
fn activation_socket() -> io::Result<OwnedFd> {
    let number = |name| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u32>().ok())
    };
    if number("LISTEN_PID") != Some(process::id()) || number("LISTEN_FDS") != Some(1) {
        let text = "no address given, and no socket passed in (LISTEN_PID, LISTEN_FDS=1)";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    // SAFETY: the caller hands descriptor 3 over to this process, and nothing else here uses it.
    Ok(unsafe { OwnedFd::from_raw_fd(3) })
}

/// Writes a line to a file so that the file, once it exists, contains the whole line.
fn publish(path: &Path, line: &str) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    std::fs::write(&draft, format!("{line}\n"))?;
    std::fs::rename(&draft, path)
}

/// Exits soon after the process that started this one is gone.
fn watch_parent() -> io::Result<()> {
    let parent = parent_id();
    let watch = move || {
        while parent_id() == parent {
            thread::sleep(Duration::from_millis(100));
        }
        process::exit(0);
    };
    thread::Builder::new()
        .name("parent watch".to_owned())
        .spawn(watch)
        .map(drop)
}
