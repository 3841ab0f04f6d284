//! Whole numbers, however they are written.

/// Digits of the longest integer that Rust has a type for: `u128`.
const MAX_DIGITS: usize = 39;

/// An integer that is written with a fraction or an exponent, or as `-0`, in plain digits; `None` if the text is no
/// such number, or no integer, or longer than any type holds.
pub(crate) fn whole(text: &str) -> Option<String> {
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or(("", text), |rest| ("-", rest));
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let (significand, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let (before, after) = significand.split_once('.').unwrap_or((significand, ""));
    if significand.ends_with('.') {
        return None;
    }
    let all = format!("{before}{after}");
    if !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let kept = all.trim_end_matches('0');
    if kept.is_empty() {
        return (text != "0").then(|| "0".to_owned());
    }
    let exponent: i64 = exponent.parse().ok()?;
    let dropped = i64::try_from(all.len() - kept.len()).ok()?;
    let zeros = exponent
        .checked_sub(i64::try_from(after.len()).ok()?)?
        .checked_add(dropped)?;
    let kept = kept.trim_start_matches('0');
    let zeros = usize::try_from(zeros)
        .ok()
        .filter(|zeros| *zeros <= MAX_DIGITS)?;
    let integer = format!("{sign}{kept}{}", "0".repeat(zeros));
    (integer != text && kept.len() + zeros <= MAX_DIGITS).then_some(integer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_may_be_written_with_fraction_or_exponent() {
        for (written, integer) in [
            ("2.0", "2"),
            ("1e2", "100"),
            ("1E+2", "100"),
            ("-1.50e1", "-15"),
            ("20.0e-1", "2"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("0e99999999999", "0"),
            ("0.00", "0"),
            ("0.5e1", "5"),
            (
                "340282366920938463463374607431768211455.0",
                "340282366920938463463374607431768211455",
            ),
        ] {
            assert_eq!(whole(written).as_deref(), Some(integer), "{written}");
        }
        for other in [
            "0",
            "7",
            "-7",
            "2.5",
            "1e-1",
            "1e40",
            "1e99999999999999999999",
            "true",
            "null",
            "",
            "-",
            "NaN",
        ] {
            assert_eq!(whole(other), None, "{other}");
        }
    }
}
