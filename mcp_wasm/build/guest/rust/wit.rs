//! What generated code for a Rust guest stands on: each type that a function takes or gives says how
//! it is read from and written to memory by the canonical ABI, and how it is read from flat values.
//! A flat value is held as the bits of 64; a case of a variant finds its own in the lower ones.
#![allow(dead_code, static_mut_refs)]
use std::alloc::{alloc, dealloc, handle_alloc_error, realloc, Layout};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::Hash;

/// The flat values of a call, taken from the front.
pub struct Flat<'a> {
    left: &'a [u64],
}

impl<'a> Flat<'a> {
    pub fn new(left: &'a [u64]) -> Self {
        Flat { left }
    }
    pub fn take(&mut self) -> u64 {
        let first = self.left[0];
        self.left = &self.left[1..];
        first
    }
    /// The next `count`, which all cases of a variant share.
    pub fn part(&mut self, count: usize) -> Flat<'a> {
        let (part, left) = self.left.split_at(count);
        self.left = left;
        Flat { left: part }
    }
}

/// A type that crosses the border: `lower` is for those with one flat value.
pub trait Value: Sized {
    const SIZE: usize;
    const ALIGN: usize;
    const FLAT: usize;
    fn lift(flat: &mut Flat) -> Self;
    fn load(at: usize) -> Self;
    fn store(self, at: usize);
    fn lower(self) -> u64 {
        unreachable!()
    }
}

pub const fn up(at: usize, align: usize) -> usize {
    (at + align - 1) / align * align
}
pub const fn max(left: usize, right: usize) -> usize {
    if left > right {
        left
    } else {
        right
    }
}
/// Bytes of the tag of a variant with so many cases.
pub const fn tag(cases: usize) -> usize {
    if cases <= 0x100 {
        1
    } else if cases <= 0x10000 {
        2
    } else {
        4
    }
}
pub fn load_tag(at: usize, size: usize) -> u64 {
    match size {
        1 => u8::load(at) as u64,
        2 => u16::load(at) as u64,
        _ => u32::load(at) as u64,
    }
}
pub fn store_tag(at: usize, size: usize, case: u64) {
    match size {
        1 => (case as u8).store(at),
        2 => (case as u16).store(at),
        _ => (case as u32).store(at),
    }
}

/// Takes values that lie behind one another, each at its alignment.
pub struct Place(pub usize);

impl Place {
    pub fn load<T: Value>(&mut self) -> T {
        let at = up(self.0, T::ALIGN);
        self.0 = at + T::SIZE;
        T::load(at)
    }
    pub fn store<T: Value>(&mut self, value: T) {
        let at = up(self.0, T::ALIGN);
        self.0 = at + T::SIZE;
        value.store(at)
    }
}

/// What results own until the host has read them.
static mut LEFT: Vec<(usize, Layout)> = Vec::new();

pub fn block(size: usize, align: usize) -> usize {
    if size == 0 {
        return align;
    }
    let layout = Layout::from_size_align(size, align).unwrap();
    let made = unsafe { alloc(layout) } as usize;
    if made == 0 {
        handle_alloc_error(layout);
    }
    unsafe { LEFT.push((made, layout)) };
    made
}

pub fn release() {
    for (at, layout) in unsafe { std::mem::take(&mut LEFT) } {
        unsafe { dealloc(at as *mut u8, layout) };
    }
}

#[no_mangle]
pub unsafe extern "C" fn cabi_realloc(old: *mut u8, had: usize, align: usize, size: usize) -> *mut u8 {
    if size == 0 {
        return align as *mut u8;
    }
    let made = if had == 0 {
        alloc(Layout::from_size_align_unchecked(size, align))
    } else {
        realloc(old, Layout::from_size_align_unchecked(had, align), size)
    };
    if made.is_null() {
        core::arch::wasm32::unreachable();
    }
    made
}

/// The bytes that the host left at `at`, which are ours from now on.
unsafe fn owned(at: usize, len: usize) -> Vec<u8> {
    if len == 0 {
        Vec::new()
    } else {
        Vec::from_raw_parts(at as *mut u8, len, len)
    }
}

fn items<T: Value>(at: usize, len: usize) -> Vec<T> {
    let made = (0..len).map(|n| T::load(at + n * T::SIZE)).collect();
    if len * T::SIZE > 0 {
        unsafe { dealloc(at as *mut u8, Layout::from_size_align_unchecked(len * T::SIZE, T::ALIGN)) };
    }
    made
}

fn store_items<T: Value>(values: impl ExactSizeIterator<Item = T>, at: usize) {
    let len = values.len();
    let to = block(len * T::SIZE, T::ALIGN);
    for (n, value) in values.enumerate() {
        value.store(to + n * T::SIZE);
    }
    (to as u32).store(at);
    (len as u32).store(at + 4);
}

macro_rules! numbers {
    ($($type:ty: $wide:ty),*) => { $(impl Value for $type {
        const SIZE: usize = std::mem::size_of::<$type>();
        const ALIGN: usize = std::mem::size_of::<$type>();
        const FLAT: usize = 1;
        fn lift(flat: &mut Flat) -> Self { flat.take() as $type }
        fn load(at: usize) -> Self { unsafe { (at as *const $type).read() } }
        fn store(self, at: usize) { unsafe { (at as *mut $type).write(self) } }
        fn lower(self) -> u64 { self as $wide as u64 }
    })* };
}
numbers!(u8: u32, u16: u32, u32: u32, u64: u64, i8: i32, i16: i32, i32: i32, i64: i64, usize: u32, isize: i32);

macro_rules! through {
    ($($type:ty: $held:ty, $to:expr, $from:expr);*) => { $(impl Value for $type {
        const SIZE: usize = <$held>::SIZE;
        const ALIGN: usize = <$held>::ALIGN;
        const FLAT: usize = 1;
        fn lift(flat: &mut Flat) -> Self { let from: fn($held) -> $type = $from; from(<$held>::lift(flat)) }
        fn load(at: usize) -> Self { let from: fn($held) -> $type = $from; from(<$held>::load(at)) }
        fn store(self, at: usize) { let to: fn($type) -> $held = $to; to(self).store(at) }
        fn lower(self) -> u64 { let to: fn($type) -> $held = $to; to(self).lower() }
    })* };
}
through! {
    bool: u8, |v| v as u8, |v| v != 0;
    char: u32, |v| v as u32, |v| char::from_u32(v).unwrap();
    f32: u32, |v| v.to_bits(), f32::from_bits;
    f64: u64, |v| v.to_bits(), f64::from_bits
}

impl Value for () {
    const SIZE: usize = 0;
    const ALIGN: usize = 1;
    const FLAT: usize = 0;
    fn lift(_: &mut Flat) -> Self {}
    fn load(_: usize) -> Self {}
    fn store(self, _: usize) {}
}

impl Value for String {
    const SIZE: usize = 8;
    const ALIGN: usize = 4;
    const FLAT: usize = 2;
    fn lift(flat: &mut Flat) -> Self {
        let (at, len) = (flat.take() as usize, flat.take() as usize);
        unsafe { String::from_utf8_unchecked(owned(at, len)) }
    }
    fn load(at: usize) -> Self {
        unsafe { String::from_utf8_unchecked(owned(u32::load(at) as usize, u32::load(at + 4) as usize)) }
    }
    fn store(self, at: usize) {
        store_items(self.into_bytes().into_iter(), at)
    }
}

/// Text that is only given.
impl Value for &'static str {
    const SIZE: usize = 8;
    const ALIGN: usize = 4;
    const FLAT: usize = 2;
    fn lift(flat: &mut Flat) -> Self {
        Box::leak(String::lift(flat).into_boxed_str())
    }
    fn load(at: usize) -> Self {
        Box::leak(String::load(at).into_boxed_str())
    }
    fn store(self, at: usize) {
        (self.as_ptr() as u32).store(at);
        (self.len() as u32).store(at + 4);
    }
}

/// Errors of many kinds are given as their text.
macro_rules! errors {
    ($($type:ty),*) => { $(impl Value for Box<$type> {
        const SIZE: usize = 8;
        const ALIGN: usize = 4;
        const FLAT: usize = 2;
        fn lift(_: &mut Flat) -> Self { unreachable!() }
        fn load(_: usize) -> Self { unreachable!() }
        fn store(self, at: usize) { self.to_string().store(at) }
    })* };
}
errors!(dyn std::error::Error, dyn std::error::Error + Send, dyn std::error::Error + Send + Sync);

macro_rules! lists {
    ($([$($given:tt)*] $type:ty, $item:ty;)*) => { $(impl<$($given)*> Value for $type {
        const SIZE: usize = 8;
        const ALIGN: usize = 4;
        const FLAT: usize = 2;
        fn lift(flat: &mut Flat) -> Self {
            let (at, len) = (flat.take() as usize, flat.take() as usize);
            items::<$item>(at, len).into_iter().collect()
        }
        fn load(at: usize) -> Self {
            items::<$item>(u32::load(at) as usize, u32::load(at + 4) as usize).into_iter().collect()
        }
        fn store(self, at: usize) { store_items(self.into_iter(), at) }
    })* };
}
lists! {
    [T: Value] Vec<T>, T;
    [T: Value] VecDeque<T>, T;
    [T: Value + Ord] BTreeSet<T>, T;
    [T: Value + Eq + Hash] HashSet<T>, T;
    [K: Value + Ord, V: Value] BTreeMap<K, V>, (K, V);
    [K: Value + Eq + Hash, V: Value] HashMap<K, V>, (K, V);
}

macro_rules! tuples {
    ($(($($type:ident $value:ident),*))*) => { $(impl<$($type: Value),*> Value for ($($type,)*) {
        const ALIGN: usize = { let mut most = 1; $(most = max(most, $type::ALIGN);)* most };
        const SIZE: usize = { let mut at = 0; $(at = up(at, $type::ALIGN) + $type::SIZE;)* up(at, Self::ALIGN) };
        const FLAT: usize = 0 $(+ $type::FLAT)*;
        fn lift(flat: &mut Flat) -> Self { ($($type::lift(flat),)*) }
        fn load(at: usize) -> Self { let mut place = Place(at); ($(place.load::<$type>(),)*) }
        fn store(self, at: usize) { let mut place = Place(at); let ($($value,)*) = self; $(place.store($value);)* }
        fn lower(self) -> u64 { self.0.lower() }
    })* };
}
tuples! {
    (A a) (A a, B b) (A a, B b, C c) (A a, B b, C c, D d) (A a, B b, C c, D d, E e)
    (A a, B b, C c, D d, E e, F f) (A a, B b, C c, D d, E e, F f, G g)
    (A a, B b, C c, D d, E e, F f, G g, H h) (A a, B b, C c, D d, E e, F f, G g, H h, I i)
    (A a, B b, C c, D d, E e, F f, G g, H h, I i, J j)
}

impl<T: Value> Value for Option<T> {
    const ALIGN: usize = T::ALIGN;
    const SIZE: usize = up(up(1, T::ALIGN) + T::SIZE, T::ALIGN);
    const FLAT: usize = 1 + T::FLAT;
    fn lift(flat: &mut Flat) -> Self {
        let (some, mut part) = (flat.take(), flat.part(T::FLAT));
        if some == 0 { None } else { Some(T::lift(&mut part)) }
    }
    fn load(at: usize) -> Self {
        if u8::load(at) == 0 { None } else { Some(T::load(at + up(1, T::ALIGN))) }
    }
    fn store(self, at: usize) {
        (self.is_some() as u8).store(at);
        if let Some(value) = self {
            value.store(at + up(1, T::ALIGN))
        }
    }
    fn lower(self) -> u64 {
        self.is_some() as u64
    }
}

impl<T: Value, E: Value> Value for Result<T, E> {
    const ALIGN: usize = max(T::ALIGN, E::ALIGN);
    const SIZE: usize = up(up(1, Self::ALIGN) + max(T::SIZE, E::SIZE), Self::ALIGN);
    const FLAT: usize = 1 + max(T::FLAT, E::FLAT);
    fn lift(flat: &mut Flat) -> Self {
        let (err, mut part) = (flat.take(), flat.part(max(T::FLAT, E::FLAT)));
        if err == 0 { Ok(T::lift(&mut part)) } else { Err(E::lift(&mut part)) }
    }
    fn load(at: usize) -> Self {
        let inside = at + up(1, Self::ALIGN);
        if u8::load(at) == 0 { Ok(T::load(inside)) } else { Err(E::load(inside)) }
    }
    fn store(self, at: usize) {
        let inside = at + up(1, Self::ALIGN);
        (self.is_err() as u8).store(at);
        match self {
            Ok(value) => value.store(inside),
            Err(value) => value.store(inside),
        }
    }
    fn lower(self) -> u64 {
        self.is_err() as u64
    }
}

/// The address of a result that has more than one flat value.
pub fn given<T: Value>(value: T) -> u32 {
    let at = block(T::SIZE, T::ALIGN);
    value.store(at);
    at as u32
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
extern "C" {
    fn fd_write(fd: u32, vectors: *const u32, count: u32, written: *mut u32) -> u32;
}

fn complain(text: &str) {
    let (vector, mut written) = ([text.as_ptr() as u32, text.len() as u32], 0);
    unsafe { fd_write(2, vector.as_ptr(), 1, &mut written) };
}

/// A panic is told on stderr before it traps: this target would not say a word.
pub fn begin() {
    static mut TOLD: bool = false;
    if !unsafe { TOLD } {
        unsafe { TOLD = true };
        std::panic::set_hook(Box::new(|panic| complain(&format!("{}\n", panic))));
    }
}

/// A struct as a record: its fields one behind another.
macro_rules! wit_record {
    ($type:ident { $($field:ident: $held:ty),* }) => { impl crate::exported_glue::wit::Value for $type {
        const ALIGN: usize = {
            let mut most = 1;
            $(most = crate::exported_glue::wit::max(most, <$held as crate::exported_glue::wit::Value>::ALIGN);)*
            most
        };
        const SIZE: usize = {
            let mut at = 0;
            $(at = crate::exported_glue::wit::up(at, <$held as crate::exported_glue::wit::Value>::ALIGN)
                + <$held as crate::exported_glue::wit::Value>::SIZE;)*
            crate::exported_glue::wit::up(at, Self::ALIGN)
        };
        const FLAT: usize = 0 $(+ <$held as crate::exported_glue::wit::Value>::FLAT)*;
        fn lift(flat: &mut crate::exported_glue::wit::Flat) -> Self {
            $type { $($field: crate::exported_glue::wit::Value::lift(flat)),* }
        }
        fn load(at: usize) -> Self {
            let mut place = crate::exported_glue::wit::Place(at);
            $type { $($field: place.load()),* }
        }
        fn store(self, at: usize) {
            let mut place = crate::exported_glue::wit::Place(at);
            $(place.store(self.$field);)*
        }
        fn lower(self) -> u64 {
            let mut lowered = 0;
            $(lowered = if Self::FLAT == 1 { crate::exported_glue::wit::Value::lower(self.$field) } else { 0 };)*
            lowered
        }
    } };
}

/// An enum as an enum or a variant: of each case its number, how it is made, and what it holds.
macro_rules! wit_variant {
    ($type:ident, $cases:literal, $($index:literal { $($made:tt)* } ($($value:ident: $held:ty),*))*) => {
        impl crate::exported_glue::wit::Value for $type {
            const ALIGN: usize = {
                let mut most = crate::exported_glue::wit::tag($cases);
                $(most = crate::exported_glue::wit::max(
                    most, <($($held,)*) as crate::exported_glue::wit::Value>::ALIGN);)*
                most
            };
            const SIZE: usize = {
                let mut most = 0;
                $(most = crate::exported_glue::wit::max(
                    most, <($($held,)*) as crate::exported_glue::wit::Value>::SIZE);)*
                let begin = crate::exported_glue::wit::up(crate::exported_glue::wit::tag($cases), Self::ALIGN);
                crate::exported_glue::wit::up(begin + most, Self::ALIGN)
            };
            const FLAT: usize = {
                let mut most = 0;
                $(most = crate::exported_glue::wit::max(
                    most, <($($held,)*) as crate::exported_glue::wit::Value>::FLAT);)*
                1 + most
            };
            fn lift(flat: &mut crate::exported_glue::wit::Flat) -> Self {
                let (case, mut part) = (flat.take(), flat.part(Self::FLAT - 1));
                match case {
                    $($index => {
                        $(let $value = <$held as crate::exported_glue::wit::Value>::lift(&mut part);)*
                        $($made)*
                    })*
                    _ => unreachable!(),
                }
            }
            fn load(at: usize) -> Self {
                let size = crate::exported_glue::wit::tag($cases);
                let mut place = crate::exported_glue::wit::Place(at + crate::exported_glue::wit::up(size, Self::ALIGN));
                match crate::exported_glue::wit::load_tag(at, size) {
                    $($index => { $(let $value = place.load::<$held>();)* $($made)* })*
                    _ => unreachable!(),
                }
            }
            fn store(self, at: usize) {
                let size = crate::exported_glue::wit::tag($cases);
                let mut place = crate::exported_glue::wit::Place(at + crate::exported_glue::wit::up(size, Self::ALIGN));
                match self {
                    $($($made)* => {
                        crate::exported_glue::wit::store_tag(at, size, $index);
                        $(place.store($value);)*
                    })*
                }
            }
            fn lower(self) -> u64 {
                match self { $($($made)* => $index,)* }
            }
        }
    };
}
