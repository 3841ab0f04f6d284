//! Quality values of content negotiation (RFC 9110 section 12.4.2).

/// The weight among the parameters of a range in `Accept` or `Accept-Language`, in thousandths (RFC 9110 section
/// 12.4.2): 1000 by default. `None` if it cannot be parsed.
///
/// Read by hand, since the tables for reading any decimal number are 11 KB of the upload.
#[must_use]
pub fn quality(parameters: &str) -> Option<u16> {
    let weight = parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='));
    let Some((_, value)) = weight
        .into_iter()
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
    else {
        return Some(1000);
    };
    let (whole, fraction) = value.trim().split_once('.').unwrap_or((value.trim(), ""));
    let has_digits = fraction.len() <= 3 && fraction.bytes().all(|digit| digit.is_ascii_digit());
    let thousandths: u16 = format!("{fraction:0<3}")
        .parse()
        .ok()
        .filter(|_| has_digits)?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quality_value_is_read_in_thousandths() {
        let weights = [
            ("", Some(1000)),
            ("level=1", Some(1000)),
            ("q=1", Some(1000)),
            ("q=1.000", Some(1000)),
            (" level=1; Q = 0.25 ", Some(250)),
            ("q=0", Some(0)),
            ("q=0.", Some(0)),
            ("q=0.001", Some(1)),
            ("q=0.9", Some(900)),
            ("q=0.0001", None),
            ("q=1.001", None),
            ("q=2", None),
            ("q=-1", None),
            ("q=0.+1", None),
            ("q=", None),
            ("q=nonsense", None),
        ];
        for (parameters, expected) in weights {
            assert_eq!(quality(parameters), expected, "{parameters}");
        }
    }
}
