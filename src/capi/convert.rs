//! The only place where what C passes becomes something Rust can use, and back.
//!
//! Each conversion checks what can be checked and names the argument in its error.

use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::time::Duration;

use safer_ffi::c_char;
use zeroize::Zeroize;

use crate::error::Error;
use crate::options::Spec;

/// What errors call what C passes.
#[derive(Clone, Copy)]
pub(crate) enum Name<'a> {
    Argument(&'a str),
    Option(&'static Spec),
}

impl<'a> From<&'a str> for Name<'a> {
    fn from(argument: &'a str) -> Self {
        Self::Argument(argument)
    }
}

impl From<&'static Spec> for Name<'_> {
    fn from(option: &'static Spec) -> Self {
        Self::Option(option)
    }
}

impl Name<'_> {
    fn refuse(self, why: &str) -> Error {
        match self {
            Self::Argument(name) => Error::invalid_argument(format!("{name} {why}")),
            Self::Option(option) => option.refuse(why).into(),
        }
    }
}

/// What C must not leave out.
pub(crate) fn required<'n, T>(name: impl Into<Name<'n>>, value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| name.into().refuse("is NULL"))
}

/// A string argument; NULL means "not given".
///
/// # Safety
///
/// `value` is NULL or points to a NUL-terminated string that outlives `'a`.
pub(crate) unsafe fn optional_text<'a, 'n>(
    name: impl Into<Name<'n>>,
    value: *const c_char,
) -> Result<Option<&'a str>, Error> {
    // SAFETY: the same contract.
    match unsafe { optional_string(value) }.map(CStr::to_str) {
        None => Ok(None),
        Some(Ok(text)) => Ok(Some(text)),
        Some(Err(_)) => Err(name.into().refuse("is not UTF-8")),
    }
}

/// # Safety
///
/// As for [`optional_text`].
unsafe fn optional_string<'a>(value: *const c_char) -> Option<&'a CStr> {
    // SAFETY: not NULL, so a NUL-terminated string, by this function's contract.
    (!value.is_null()).then(|| unsafe { CStr::from_ptr(value.cast()) })
}

/// A string argument of any encoding: PEM, whose comments may have one of their own. NULL and "" both mean "not given".
///
/// # Safety
///
/// As for [`optional_text`].
pub(crate) unsafe fn given_pem<'a>(value: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: the same contract.
    let pem = unsafe { optional_string(value) }?.to_bytes();
    (!pem.is_empty()).then_some(pem)
}

/// A string argument that C must not leave out.
///
/// # Safety
///
/// As for [`optional_text`].
pub(crate) unsafe fn text<'a, 'n>(
    name: impl Into<Name<'n>>,
    value: *const c_char,
) -> Result<&'a str, Error> {
    let name = name.into();
    // SAFETY: the same contract.
    required(name, unsafe { optional_text(name, value) }?)
}

/// A string argument; NULL and "" both mean "not given".
///
/// # Safety
///
/// As for [`optional_text`].
pub(crate) unsafe fn given_text<'a, 'n>(
    name: impl Into<Name<'n>>,
    value: *const c_char,
) -> Result<Option<&'a str>, Error> {
    // SAFETY: the same contract.
    Ok(unsafe { optional_text(name, value) }?.filter(|text| !text.is_empty()))
}

/// A time-out parameter: below 0 for ever, 0 not at all.
pub(crate) fn timeout(timeout_ms: i64) -> Option<Duration> {
    u64::try_from(timeout_ms).ok().map(Duration::from_millis)
}

/// How many more are asked for.
pub(crate) fn count(count: i64) -> Result<u64, Error> {
    match u64::try_from(count) {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(Error::invalid_argument(format!("count is {count}"))),
    }
}

/// A flag that is a parameter; one of an options struct is read by its row.
pub(crate) fn flag(name: &str, value: i32) -> Result<bool, Error> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::invalid_argument(format!(
            "{name} is {value}, neither 0 nor 1"
        ))),
    }
}

/// An owned string for C, to be given back to [`free_text`].
pub(crate) fn owned_text(text: &str) -> Result<*mut c_char, Error> {
    match CString::new(text) {
        Ok(text) => Ok(text.into_raw().cast()),
        Err(_) => Err(Error::invalid_argument("the value contains a NUL byte")),
    }
}

/// # Safety
///
/// `text` is NULL or comes from [`owned_text`] and has not been freed.
pub(crate) unsafe fn free_text(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: by this function's contract.
        let text = unsafe { CString::from_raw(text.cast()) };
        text.into_bytes().zeroize();
    }
}

/// Bytes that C lends for the call.
///
/// # Safety
///
/// `data` points to `length` readable bytes that outlive `'a`, or `length` is 0.
pub(crate) unsafe fn bytes<'a>(
    name: &str,
    data: *const u8,
    length: usize,
) -> Result<&'a [u8], Error> {
    // SAFETY: by this function's contract.
    unsafe { array(name, data, length) }
}

/// What C lends for the call.
///
/// # Safety
///
/// `data` points to `length` readable values that outlive `'a`, or `length` is 0.
pub(crate) unsafe fn array<'a, T>(
    name: &str,
    data: *const T,
    length: usize,
) -> Result<&'a [T], Error> {
    match length {
        0 => Ok(&[]),
        _ if data.is_null() => Err(Name::from(name).refuse("is NULL")),
        length if length > isize::MAX as usize / size_of::<T>() => Err(Error::invalid_argument(
            format!("the length of {name} is {length}"),
        )),
        // SAFETY: not NULL, not too long, and readable by this function's contract.
        length => Ok(unsafe { std::slice::from_raw_parts(data, length) }),
    }
}

/// A count or length that is written if C wants it.
///
/// # Safety
///
/// `pointer` is NULL or valid for writing.
pub(crate) unsafe fn write_length(pointer: *mut usize, length: usize) {
    if !pointer.is_null() {
        // SAFETY: by this function's contract.
        unsafe { pointer.write(length) };
    }
}

/// An out-parameter: checked before any work is done, written last and only on success.
///
/// Never `&mut T`: what C passes is uninitialised, and `*out = value` would drop it first.
pub(crate) struct Out<T>(NonNull<T>);

impl<T> Out<T> {
    /// # Safety
    ///
    /// `pointer` is NULL or valid for writing a `T` as long as the `Out` lives.
    pub(crate) unsafe fn new(name: &str, pointer: *mut T) -> Result<Self, Error> {
        required(name, NonNull::new(pointer)).map(Self)
    }

    /// One that may be NULL.
    ///
    /// # Safety
    ///
    /// As for [`new`](Self::new).
    pub(crate) unsafe fn optional(pointer: *mut T) -> Option<Self> {
        NonNull::new(pointer).map(Self)
    }

    pub(crate) fn write(self, value: T) {
        // SAFETY: valid for writing by the contract of `new`.
        unsafe { self.0.write(value) }
    }
}

/// Of an uninitialised `size`, most likely.
const ABSURD: usize = 4096;

/// An options struct that can grow: its first field is its size in the caller's header.
///
/// # Safety
///
/// The type is `repr(C)`, begins with `size: usize`, has no padding (a caller's padding would be
/// read as the fields that later versions put there) and is valid for every bit pattern, 0 among them.
pub(crate) unsafe trait Options: Copy {
    /// Size in the first release that had the struct. Never changes.
    const FIRST_SIZE: usize;
    /// Every field 0 or NULL, which means "not given"; fields that an older caller does not know
    /// have this value.
    const INIT: Self = {
        let mut zero = MaybeUninit::<Self>::zeroed();
        // SAFETY: it begins with `size`, and its other fields are integers, pointers and optional functions, of
        // which 0 is a value, by this trait's contract.
        unsafe { zero.as_mut_ptr().cast::<usize>().write(size_of::<Self>()) };
        // SAFETY: as above.
        unsafe { zero.assume_init() }
    };
}

/// Says of a caller's struct that nothing is given. What cannot be a size is left alone.
///
/// # Safety
///
/// `pointer` is NULL or has `size` bytes.
pub(crate) unsafe fn initialise<T: Options>(pointer: *mut T, size: usize) {
    if pointer.is_null() || !(T::FIRST_SIZE..=ABSURD).contains(&size) {
        return;
    }
    // SAFETY: `size` bytes are writable, by this function's contract.
    unsafe { pointer.cast::<u8>().write_bytes(0, size) };
    // SAFETY: they are the more for the first of them; every version begins with its size.
    unsafe { pointer.cast::<usize>().write(size) };
}

/// Copies an options struct of any past or future version; NULL means all defaults.
///
/// Takes a raw pointer, not `Option<&T>`: an older caller's struct is smaller than `T`, and a
/// reference to it would claim bytes that are not there.
///
/// # Safety
///
/// `pointer` is NULL or points to as many initialised bytes as its `size` field says.
pub(crate) unsafe fn options<T: Options>(name: &str, pointer: *const T) -> Result<T, Error> {
    if pointer.is_null() {
        return Ok(T::INIT);
    }
    // SAFETY: not NULL, and every version begins with `size`.
    let size = unsafe { pointer.cast::<usize>().read() };
    if !(T::FIRST_SIZE..=ABSURD).contains(&size) {
        return Err(Error::invalid_argument(format!(
            "{name}.size is {size}: initialise the struct with its _INIT macro"
        )));
    }
    let known = size.min(size_of::<T>());
    // SAFETY: `size` bytes are readable by this function's contract.
    let rest = unsafe { pointer.cast::<u8>().add(known) };
    // SAFETY: as above.
    let unknown = unsafe { std::slice::from_raw_parts(rest, size - known) };
    if unknown.iter().any(|byte| *byte != 0) {
        return Err(Error::invalid_argument(format!(
            "{name} sets a field that this version of the library does not know"
        )));
    }
    let mut options = T::INIT;
    // SAFETY: `known` bytes are readable there, writable here, and any bytes make a `T`.
    unsafe {
        std::ptr::copy_nonoverlapping(pointer.cast::<u8>(), (&raw mut options).cast(), known);
    }
    Ok(options)
}

/// The options struct at the end of another, which may be NULL. Each has its own size.
///
/// # Safety
///
/// As for [`options`], of the outer one; the inner one stands `offset` bytes into it, and has as many as its own size says.
pub(crate) unsafe fn embedded<T: Options, U: Options>(
    name: &str,
    outer: *const T,
    offset: usize,
) -> Result<U, Error> {
    if outer.is_null() {
        return Ok(U::INIT);
    }
    // SAFETY: by this function's contract.
    unsafe { options(name, outer.wrapping_byte_add(offset).cast()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(C)]
    struct OldOptions {
        size: usize,
        retries: usize,
    }

    #[repr(C)]
    #[derive(Clone, Copy)]
    struct NewOptions {
        size: usize,
        retries: usize,
        timeout: usize,
    }

    // SAFETY: `repr(C)`, integers only, `size` first, and no padding between fields of one size.
    unsafe impl Options for NewOptions {
        const FIRST_SIZE: usize = size_of::<OldOptions>();
    }

    /// The other direction, a caller newer than the library, is in tests/c/arguments.c.
    #[test]
    fn older_caller_has_not_given_a_newer_field() {
        let old = Box::new(OldOptions {
            size: size_of::<OldOptions>(),
            retries: 5,
        });
        // SAFETY: `old` is as long as its `size` says.
        let new: NewOptions = unsafe { options("options", (&raw const *old).cast()) }.unwrap();
        assert_eq!((new.retries, new.timeout), (5, 0));
    }
}
