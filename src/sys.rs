//! What the operating system must be asked for by hand: signals, forks, event descriptors, clocks, locks of files and
//! network interfaces.
//!
//! Beside `capi` the only place with `unsafe`. Nothing here knows of channels or calls.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, IoSlice, Read, Write};
use std::marker::PhantomData;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
#[cfg(target_os = "linux")]
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::ReadBuf;

static FORKS: AtomicU32 = AtomicU32::new(0);

extern "C" fn in_child() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// How many forks lie between the process that first asked and this one.
///
/// What was made at another count belongs to a parent: its threads do not exist here.
pub(crate) fn forks() -> u32 {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        // SAFETY: the handler only adds to an atomic, which POSIX allows between fork and exec. It
        // is never unloaded: the library is linked `-z nodelete`.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
    FORKS.load(Ordering::Relaxed)
}

/// A value of the process: made on first use, and anew on first use in a forked child.
///
/// The parent's value stays in the child's memory untouched, since another thread may have held
/// its locks at the fork.
pub(crate) struct PerProcess<T> {
    current: AtomicPtr<(u32, T)>,
    owns: PhantomData<T>,
}

impl<T: Default + Sync> PerProcess<T> {
    pub(crate) const fn new() -> Self {
        Self {
            current: AtomicPtr::new(std::ptr::null_mut()),
            owns: PhantomData,
        }
    }

    pub(crate) fn get(&'static self) -> &'static T {
        let forks = forks();
        let found = self.current.load(Ordering::Acquire);
        // SAFETY: the pointer is NULL or comes from `Box::into_raw` below and is never freed.
        if let Some((made, value)) = unsafe { found.as_ref() }
            && *made == forks
        {
            return value;
        }
        let fresh = Box::into_raw(Box::new((forks, T::default())));
        match self
            .current
            .compare_exchange(found, fresh, Ordering::AcqRel, Ordering::Acquire)
        {
            // SAFETY: just made, and never freed from now on.
            Ok(_) => unsafe { &(*fresh).1 },
            Err(theirs) => {
                // SAFETY: `fresh` was published nowhere.
                drop(unsafe { Box::from_raw(fresh) });
                // SAFETY: another thread made it for this process, and it is never freed.
                unsafe { &(*theirs).1 }
            }
        }
    }
}

/// Runs `spawn` with every signal blocked, so that the thread it starts never takes one: neither a
/// handler of the program's, nor SIGPIPE, which would end it when a gateway resets a connection.
pub(crate) fn with_signals_blocked<R>(spawn: impl FnOnce() -> R) -> R {
    struct Restore(libc::sigset_t);
    impl Drop for Restore {
        fn drop(&mut self) {
            // SAFETY: a set that pthread_sigmask wrote; the old one is not wanted.
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, std::ptr::null_mut()) };
        }
    }
    // SAFETY: `sigset_t` is plain data, and the next call writes it before it is read.
    let mut all: libc::sigset_t = unsafe { std::mem::zeroed() };
    let mut old = all;
    // SAFETY: a set to be written.
    unsafe { libc::sigfillset(&mut all) };
    // SAFETY: a set that is filled, and one to be written.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut old) };
    let _restore = Restore(old);
    spawn()
}

/// A descriptor that can be waited for: readable while raised.
pub(crate) struct Flag {
    raised: bool,
    #[cfg(target_os = "linux")]
    event: File,
    #[cfg(not(target_os = "linux"))]
    pipe: (io::PipeReader, io::PipeWriter),
}

#[cfg(target_os = "linux")]
impl Flag {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: takes two integers; what it returns is checked.
        let descriptor = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a new descriptor that nobody else has.
        let event = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Ok(Self {
            raised: false,
            event: event.into(),
        })
    }

    pub(crate) fn descriptor(&self) -> RawFd {
        self.event.as_raw_fd()
    }

    fn write(&mut self) -> io::Result<()> {
        self.event.write_all(&1_u64.to_ne_bytes())
    }

    fn read(&mut self) -> io::Result<()> {
        self.event.read_exact(&mut [0; 8])
    }
}

#[cfg(not(target_os = "linux"))]
impl Flag {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            raised: false,
            pipe: io::pipe()?,
        })
    }

    pub(crate) fn descriptor(&self) -> RawFd {
        self.pipe.0.as_raw_fd()
    }

    fn write(&mut self) -> io::Result<()> {
        self.pipe.1.write_all(&[0])
    }

    fn read(&mut self) -> io::Result<()> {
        self.pipe.0.read_exact(&mut [0])
    }
}

impl Flag {
    pub(crate) fn raise(&mut self) {
        if !std::mem::replace(&mut self.raised, true) {
            // Cannot fail: one unit in it at most, so it never waits either.
            self.write().ok();
        }
    }

    pub(crate) fn lower(&mut self) {
        if std::mem::replace(&mut self.raised, false) {
            // As above: it has one.
            self.read().ok();
        }
    }
}

/// A descriptor that is readable from a time on, until it is set anew. Only Linux has one.
pub(crate) struct TimerDescriptor {
    #[cfg(target_os = "linux")]
    timer: OwnedFd,
}

#[cfg(target_os = "linux")]
impl TimerDescriptor {
    pub(crate) fn new() -> io::Result<Self> {
        let flags = libc::TFD_CLOEXEC | libc::TFD_NONBLOCK;
        // SAFETY: takes two integers; what it returns is checked.
        let descriptor = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, flags) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a new descriptor that nobody else has.
        let timer = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Ok(Self { timer })
    }

    pub(crate) fn descriptor(&self) -> RawFd {
        self.timer.as_raw_fd()
    }

    /// So long from now, once; at once for nothing.
    pub(crate) fn set(&mut self, after: Duration) {
        let after = after.max(Duration::from_nanos(1)); // 0 would stop it
        let mut value = libc::itimerspec {
            it_interval: libc::timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
            it_value: libc::timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
        };
        value.it_value.tv_sec =
            libc::time_t::try_from(after.as_secs()).unwrap_or(libc::time_t::MAX);
        value.it_value.tv_nsec = after.subsec_nanos().into();
        // SAFETY: a timer of ours, and a value that is only read; the old one is not wanted. With these it cannot fail.
        unsafe { libc::timerfd_settime(self.timer.as_raw_fd(), 0, &value, std::ptr::null_mut()) };
    }
}

#[cfg(not(target_os = "linux"))]
impl TimerDescriptor {
    pub(crate) fn new() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn descriptor(&self) -> RawFd {
        -1
    }

    pub(crate) fn set(&mut self, _: Duration) {}
}

/// A descriptor that is readable while one of two is. Only Linux has one.
pub(crate) struct Either {
    #[cfg(target_os = "linux")]
    set: OwnedFd,
}

#[cfg(target_os = "linux")]
impl Either {
    /// Closing one of the two takes it out.
    pub(crate) fn new(descriptors: [RawFd; 2]) -> io::Result<Self> {
        // SAFETY: takes an integer; what it returns is checked.
        let descriptor = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a new descriptor that nobody else has.
        let set = unsafe { OwnedFd::from_raw_fd(descriptor) };
        for one in descriptors {
            let mut event = libc::epoll_event {
                events: libc::EPOLLIN as u32,
                u64: 0,
            };
            // SAFETY: a set of ours, and an event that is only read.
            if unsafe { libc::epoll_ctl(descriptor, libc::EPOLL_CTL_ADD, one, &mut event) } != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(Self { set })
    }

    pub(crate) fn descriptor(&self) -> RawFd {
        self.set.as_raw_fd()
    }
}

#[cfg(not(target_os = "linux"))]
impl Either {
    pub(crate) fn new(_: [RawFd; 2]) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn descriptor(&self) -> RawFd {
        -1
    }
}

/// What a socket has, into what is not filled of the buffer; how many bytes. Never waits, if the socket does not.
pub(crate) fn receive(socket: BorrowedFd<'_>, buffer: &mut ReadBuf<'_>) -> io::Result<usize> {
    // SAFETY: the system writes to it, and nothing that is initialised there becomes uninitialised.
    let unfilled = unsafe { buffer.unfilled_mut() };
    let length = SockRef::from(&socket).recv(unfilled)?;
    // SAFETY: the system has written so many bytes to its beginning.
    unsafe { buffer.assume_init(length) };
    buffer.advance(length);
    Ok(length)
}

/// Gives a socket bytes; how many it took. A peer that is gone is an error, and no SIGPIPE, whoever's thread this is.
pub(crate) fn send(socket: BorrowedFd<'_>, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
    #[cfg(target_os = "linux")]
    const QUIET: libc::c_int = libc::MSG_NOSIGNAL;
    #[cfg(not(target_os = "linux"))]
    const QUIET: libc::c_int = 0; // mio has set SO_NOSIGPIPE there
    SockRef::from(&socket).send_vectored_with_flags(bytes, QUIET)
}

/// Takes the exclusive lock of an open file (flock(2)), at once or not at all: whether it was had.
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    match flock(file, libc::LOCK_EX | libc::LOCK_NB) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        result => result.map(|()| true),
    }
}

/// Gives back what [`try_lock`] took, also for a forked child that has the same open file.
pub(crate) fn unlock(file: &File) -> io::Result<()> {
    flock(file, libc::LOCK_UN)
}

fn flock(file: &File, operation: libc::c_int) -> io::Result<()> {
    // SAFETY: the descriptor is open as long as the file is borrowed.
    match unsafe { libc::flock(file.as_raw_fd(), operation) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The number of a network interface by its name, as IPv6 addresses have it (RFC 4007).
pub(crate) fn interface_number(name: &str) -> io::Result<u32> {
    let name = CString::new(name)?;
    // SAFETY: a string that ends with its NUL, which is only read.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        number => Ok(number),
    }
}

/// Whose files are this process's own.
pub(crate) fn effective_user() -> u32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// Since boot, time asleep included: what a token's lifetime is measured by. A wall clock jumps, and the clock of
/// `std::time::Instant` stands still while the machine is suspended.
pub(crate) fn since_boot() -> Duration {
    #[cfg(target_os = "linux")]
    const CLOCK: libc::clockid_t = libc::CLOCK_BOOTTIME;
    #[cfg(not(target_os = "linux"))]
    const CLOCK: libc::clockid_t = libc::CLOCK_MONOTONIC; // runs while asleep there
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: writes one timespec, which is ours.
    unsafe { libc::clock_gettime(CLOCK, &mut now) };
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_started_with_signals_blocked_has_them_blocked() {
        fn blocked(signal: i32) -> bool {
            // SAFETY: asks for the current mask only.
            let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
            // SAFETY: a set to be written.
            unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &mut set) };
            // SAFETY: a set that is written.
            unsafe { libc::sigismember(&set, signal) == 1 }
        }
        let thread = with_signals_blocked(|| {
            std::thread::spawn(|| blocked(libc::SIGPIPE) && blocked(libc::SIGTERM))
        });
        assert!(thread.join().unwrap());
        assert!(!blocked(libc::SIGTERM));
    }

    #[test]
    fn since_boot_advances_with_a_steady_clock_and_is_no_wall_clock() {
        use std::time::{Instant, SystemTime, UNIX_EPOCH};
        let (began, steady) = (since_boot(), Instant::now());
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        assert!(began < wall / 2, "{began:?}");
        while steady.elapsed() < Duration::from_millis(20) {
            std::thread::yield_now();
        }
        assert!(since_boot() - began >= Duration::from_millis(19));
    }

    #[test]
    fn interfaces_have_numbers() {
        let loopback = if cfg!(target_os = "linux") {
            "lo"
        } else {
            "lo0"
        };
        assert!(interface_number(loopback).unwrap() > 0);
        assert!(interface_number("no such one").is_err());
    }

    #[test]
    fn per_process_makes_one_value() {
        static VALUE: PerProcess<AtomicU32> = PerProcess::new();
        VALUE.get().store(7, Ordering::Relaxed);
        assert_eq!(VALUE.get().load(Ordering::Relaxed), 7);
    }
}
