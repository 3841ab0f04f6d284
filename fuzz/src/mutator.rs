//! Mutations that libFuzzer has not: one part of an input, many times over, each time with other numbers in it. A cost that
//! grows faster than the input shows only with many members, headers or parameters that all differ.
//!
//! Without libFuzzer there are a few of the usual ones too.

/// Number of mutations for each repetition.
#[cfg(feature = "libfuzzer")]
const ONE_IN: u32 = 16;

/// The longest part that is repeated: a member of a message, a line, a parameter.
const MAX_PART: usize = 48;

/// Words that parsers look for.
const TELLING: &[u8] = b"\"{}[]:,=&;%/.#?@\\\n\0 -0AZ~\xff\xc3";

/// Changes `data[..size]`, which has room for `max_size` bytes, and returns the new size.
#[cfg(feature = "libfuzzer")]
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    if size == 0 || !seed.is_multiple_of(ONE_IN) {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    }
    let repeated = repetition(&data[..size], max_size, &mut Random::new(seed));
    data[..repeated.len()].copy_from_slice(&repeated);
    repeated.len()
}

/// An input made of another one by a few mutations, which the seed chooses.
#[must_use]
pub fn mutated(input: &[u8], max_size: usize, seed: u32) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut input = input.to_vec();
    for _ in 0..=random.below(4) {
        if input.is_empty() {
            return input;
        }
        let (at, other) = (random.below(input.len()), random.below(input.len()));
        match random.below(6) {
            0 => input = repetition(&input, max_size, &mut random),
            1 => input[at] = u8::try_from(random.below(256)).unwrap_or_default(),
            2 => input[at] = TELLING[random.below(TELLING.len())],
            3 => input.insert(at, TELLING[random.below(TELLING.len())]),
            4 => drop(input.drain(at.min(other)..at.max(other).min(at.min(other) + MAX_PART))),
            _ => input.swap(at, other),
        }
    }
    input.truncate(max_size);
    input
}

fn repetition(input: &[u8], max_size: usize, random: &mut Random) -> Vec<u8> {
    let start = random.below(input.len());
    let part = &input[start..input.len().min(start + 1 + random.below(MAX_PART))];
    let most = max_size.saturating_sub(input.len()) / part.len();
    // As often few as many: by its exponent.
    let exponent = random.below(16);
    let times = random.below(most.min(1 << exponent) + 1);
    let repeated = (0..times).flat_map(|time| numbered(part, time));
    input[..start]
        .iter()
        .copied()
        .chain(repeated)
        .chain(input[start..].iter().copied())
        .collect()
}

/// The part with each of its digits replaced by a digit of the number, the last one by the lowest.
fn numbered(part: &[u8], number: usize) -> Vec<u8> {
    let mut rest = number;
    let mut numbered = part.to_vec();
    for byte in numbered
        .iter_mut()
        .rev()
        .filter(|byte| byte.is_ascii_digit())
    {
        *byte = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
    numbered
}

/// Xorshift.
struct Random(u64);

impl Random {
    fn new(seed: u32) -> Self {
        Self((u64::from(seed) | 1 << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 20).unwrap_or_default() % end.max(1)
    }
}
